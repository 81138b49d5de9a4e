package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import org.barchan.host.port.PortConnection;
import org.barchan.host.sandbox.SandboxException;

/** Returns what is written to it, of which it holds little. */
final class EchoConnection implements PortConnection {
    private final BlockingQueue<Optional<ByteString>> queue = new ArrayBlockingQueue<>(4);
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void write(ByteString data) throws InterruptedException {
        queue.put(Optional.of(data));
    }

    @Override
    public void end() throws SandboxException {
        try {
            queue.put(Optional.empty());
            ended.countDown();
        } catch (InterruptedException e) {
            throw new SandboxException(SandboxException.Code.LOST, "interrupted", e);
        }
    }

    @Override
    public Optional<ByteString> take() throws InterruptedException {
        return queue.take();
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        ended.await();
    }

    @Override
    public void close() {}
}
