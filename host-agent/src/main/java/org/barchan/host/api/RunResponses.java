package org.barchan.host.api;

import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.barchan.host.lifecycle.Printable;
import org.barchan.host.lifecycle.RunObserver;
import org.barchan.host.lifecycle.SandboxView;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Attached;
import org.barchan.v1.OutputGap;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.RunProgress;
import org.barchan.v1.RunResponse;
import org.barchan.v1.StdinProgress;
import org.jspecify.annotations.Nullable;

/**
 * Sends what happens in a run to its client. Output waits for the client to read; the console does not, and is left out where the client
 * is slow. Safe for use by many threads.
 */
final class RunResponses implements RunObserver {
    /** What may wait in the agent for the client to read. */
    static final int BUFFERED_BYTES = 256 * 1024;

    private final ServerCallStreamObserver<RunResponse> call;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition writable = lock.newCondition();
    private final CallTiming timing = CallTiming.current();
    private boolean over;
    private @Nullable StdinProgress stdinProgress;
    private long consoleBytesLeftOut;

    /** To be made within the method that takes the call, as gRPC has it for handlers. */
    RunResponses(ServerCallStreamObserver<RunResponse> call) {
        this.call = call;
        call.setOnReadyThreshold(BUFFERED_BYTES);
        call.setOnReadyHandler(this::wake);
    }

    /** The client is gone: nobody waits any more. */
    void wake() {
        lock.lock();
        try {
            sendStdinProgress();
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void sandbox(SandboxView sandbox) {
        send(RunResponse.newBuilder().setSandbox(sandbox.message()).build());
    }

    @Override
    public void progress(Level level, String message) {
        send(RunResponse.newBuilder()
                .setProgress(
                        RunProgress.newBuilder().setLevel(Messages.level(level)).setMessage(Printable.line(message)))
                .build());
    }

    @Override
    public void console(ByteString output) {
        lock.lock();
        try {
            if (over || call.isCancelled()) {
                return;
            }
            if (!call.isReady()) {
                consoleBytesLeftOut += output.size();
                return;
            }
            if (consoleBytesLeftOut > 0) {
                call.onNext(consoleOutput(ByteString.copyFromUtf8(
                        "\n[" + consoleBytesLeftOut + " bytes of the console left out: read too slowly]\n")));
                consoleBytesLeftOut = 0;
            }
            call.onNext(consoleOutput(output));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void reached(Phase phase) {
        timing.mark(phase.name().toLowerCase(Locale.ROOT));
    }

    @Override
    public void guestDid(Map<String, Duration> steps) {
        timing.markEach("guest: ", steps);
    }

    @Override
    public void event(ProcessEvent event) throws InterruptedException {
        if (event.hasOutput()) {
            reached(Phase.OUTPUT);
        }
        sendAtClientsPace(RunResponse.newBuilder().setProcess(event).build());
    }

    @Override
    public void attached(Attached attached) {
        send(RunResponse.newBuilder().setAttached(attached).build());
    }

    @Override
    public void stdin(StdinProgress progress) {
        lock.lock();
        try {
            // A newer one says all that the older did: no more than one waits for the client to read.
            stdinProgress = progress;
            sendStdinProgress();
        } finally {
            lock.unlock();
        }
    }

    private void sendStdinProgress() {
        if (stdinProgress != null && call.isReady()) {
            send(RunResponse.newBuilder().setStdinProgress(stdinProgress).build());
            stdinProgress = null;
        }
    }

    @Override
    public void gap(OutputGap gap) throws InterruptedException {
        sendAtClientsPace(RunResponse.newBuilder().setGap(gap).build());
    }

    @Override
    public void changes(ByteString data) throws InterruptedException {
        sendAtClientsPace(RunResponse.newBuilder().setChanges(data).build());
    }

    private void sendAtClientsPace(RunResponse response) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!over && !call.isReady() && !call.isCancelled()) {
                writable.await();
            }
            send(response);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void detached(ProcessEvent started) {
        end(started);
    }

    @Override
    public void finished(ProcessEvent termination) {
        reached(Phase.ENDED);
        end(termination);
    }

    private void end(ProcessEvent last) {
        lock.lock();
        try {
            if (send(RunResponse.newBuilder().setProcess(last).build())) {
                over = true;
                call.onCompleted();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void failed(SandboxException reason) {
        refuse(StatusMapping.of(reason));
    }

    /** Ends the call with an error, if it has not ended. */
    void refuse(Throwable status) {
        lock.lock();
        try {
            if (!over && !call.isCancelled()) {
                over = true;
                call.onError(status);
            }
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean send(RunResponse response) {
        lock.lock();
        try {
            boolean open = !over && !call.isCancelled();
            if (open) {
                call.onNext(response);
            }
            return open;
        } finally {
            lock.unlock();
        }
    }

    private static RunResponse consoleOutput(ByteString bytes) {
        return RunResponse.newBuilder().setConsoleOutput(bytes).build();
    }
}
