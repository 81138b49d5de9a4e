package org.barchan.host.adapter.console;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.barchan.host.port.Console;
import org.barchan.host.sandbox.SandboxId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A console that is read by a virtual thread of its own; the last 64 KiB are kept. */
final class SocketConsole implements Console {
    static final int KEPT_BYTES = 64 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(SocketConsole.class);
    private static final String PANIC = "Kernel panic - not syncing";

    private final SandboxId id;
    private final SocketChannel channel;
    private final CountDownLatch closed = new CountDownLatch(1);
    // Guarded by this. A ring: the newest byte is before `end`.
    private final byte[] kept = new byte[KEPT_BYTES];
    private long end;
    private boolean panicked;
    private Optional<Consumer<ByteString>> listener = Optional.empty();

    SocketConsole(SandboxId id, SocketChannel channel) {
        this.id = id;
        this.channel = channel;
    }

    void start() {
        Thread.ofVirtual().name("console-" + id).start(this::read);
    }

    private void read() {
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        try {
            while (channel.read(buffer.clear()) >= 0) {
                take(ByteString.copyFrom(buffer.flip()));
            }
        } catch (IOException e) {
            LOG.debug("{}: console closed: {}", id, e.toString());
        } finally {
            closed.countDown();
        }
    }

    private synchronized void take(ByteString bytes) {
        for (int i = 0; i < bytes.size(); i++) {
            kept[(int) (end++ % KEPT_BYTES)] = bytes.byteAt(i);
        }
        // The text may be split over reads, so the last few are looked at together.
        if (!panicked) {
            int around = Math.min(keptBytes(), bytes.size() + PANIC.length());
            panicked = last(around).toString(StandardCharsets.ISO_8859_1).contains(PANIC);
        }
        listener.ifPresent(l -> l.accept(bytes));
    }

    @Override
    public synchronized String tail(int lines) {
        String[] all = last(keptBytes())
                .toString(StandardCharsets.UTF_8)
                .replace("\r", "")
                .strip()
                .split("\n", -1);
        StringBuilder tail = new StringBuilder();
        for (int i = Math.max(0, all.length - lines); i < all.length; i++) {
            tail.append(tail.isEmpty() ? "" : "\n").append(escape(all[i]));
        }
        return tail.toString();
    }

    @Override
    public synchronized boolean panicked() {
        return panicked;
    }

    @Override
    public void drain(Duration patience) throws InterruptedException {
        var _ = closed.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public synchronized void follow(Consumer<ByteString> newListener) {
        if (end > 0) {
            newListener.accept(last(keptBytes()));
        }
        listener = Optional.of(newListener);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("closing the console of " + id, e);
        }
    }

    private int keptBytes() {
        return (int) Math.min(end, KEPT_BYTES);
    }

    private ByteString last(int count) {
        int from = (int) ((end - count) % KEPT_BYTES);
        int first = Math.min(count, KEPT_BYTES - from);
        return ByteString.copyFrom(kept, from, first).concat(ByteString.copyFrom(kept, 0, count - first));
    }

    private static String escape(String line) {
        StringBuilder safe = new StringBuilder(line.length());
        line.codePoints().forEach(c -> {
            if (Character.isISOControl(c)) {
                safe.append("\\x%02x".formatted(c));
            } else {
                safe.appendCodePoint(c);
            }
        });
        return safe.toString();
    }
}
