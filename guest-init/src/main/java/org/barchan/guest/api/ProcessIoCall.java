package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicInteger;
import org.barchan.guest.boot.Console;
import org.barchan.guest.process.GuestProcess;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.jspecify.annotations.Nullable;

/**
 * One call that carries a process's streams. Whichever thread brings news sends them, one thread at a time; gRPC's threads receive, one
 * at a time.
 */
final class ProcessIoCall implements StreamObserver<ProcessIoRequest>, GuestProcess.Outlet {
    /** What gRPC may hold, in bytes, for it to take one more message: less means waiting for a thread of gRPC's at each message. */
    private static final int READY_BYTES = 512 * 1024;

    private final ProcessTable processes;
    private final ServerCallStreamObserver<ProcessIoResponse> observer;
    private volatile @Nullable GuestProcess process;
    /** How often news were told since the last time that nothing was left to send. */
    private final AtomicInteger news = new AtomicInteger();
    /** Used by whoever sends. */
    private StdinWindow window = StdinWindow.getDefaultInstance();

    private boolean completed;

    ProcessIoCall(ProcessTable processes, ServerCallStreamObserver<ProcessIoResponse> observer) {
        this.processes = processes;
        this.observer = observer;
        observer.setOnReadyThreshold(READY_BYTES);
        observer.setOnReadyHandler(this::news);
        observer.setOnCancelHandler(this::detach);
        observer.setOnCloseHandler(this::detach);
    }

    static Status noProcess(String id) {
        return Status.NOT_FOUND.withDescription("process " + id + ": no such process");
    }

    @Override
    public void onNext(ProcessIoRequest request) {
        GuestProcess known = process;
        try {
            switch (request.getRequestCase()) {
                case ATTACH -> {
                    if (known != null) {
                        throw new IllegalArgumentException("attach: the call is attached already");
                    }
                    attach(request.getAttach());
                }
                case STDIN ->
                    attached(known)
                            .receiveStdin(
                                    request.getStdin().getOffset(),
                                    request.getStdin().getData());
                case STDIN_END -> attached(known).endStdin();
                case OUTPUT_ACK ->
                    attached(known)
                            .acknowledge(
                                    request.getOutputAck().getStdoutOffset(),
                                    request.getOutputAck().getStderrOffset());
                case REQUEST_NOT_SET -> throw new IllegalArgumentException("request: not set");
            }
        } catch (IllegalArgumentException e) {
            fail(Status.OUT_OF_RANGE.withDescription(String.valueOf(e.getMessage())));
        }
    }

    private static GuestProcess attached(@Nullable GuestProcess process) {
        if (process == null) {
            throw new IllegalArgumentException("attach: missing (expected: the first message)");
        }
        return process;
    }

    private void attach(Attach attach) {
        GuestProcess found = processes.find(attach.getProcessId()).orElse(null);
        if (found == null) {
            fail(noProcess(attach.getProcessId()));
            return;
        }
        found.attach(this, attach.getStdoutOffset(), attach.getStderrOffset());
        process = found;
        news();
    }

    @Override
    public void news() {
        GuestProcess known = process;
        // Whoever comes while another thread sends leaves it to that one.
        if (known == null || news.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            send(known);
            seen = news.addAndGet(-seen);
        } while (seen != 0);
    }

    private void send(GuestProcess from) {
        try {
            while (observer.isReady()) {
                ProcessIoResponse message = from.next(this, window);
                if (message == null) {
                    break;
                }
                window = message.hasStdinWindow() ? message.getStdinWindow() : window;
                if (message.hasTerminated()) {
                    Console.debugMemory();
                }
                synchronized (this) {
                    observer.onNext(message);
                    if (message.hasTerminated()) {
                        from.detach(this);
                        observer.onCompleted();
                        completed = true;
                        return;
                    }
                }
            }
            if (!completed && !from.isAttached(this)) {
                fail(Status.ABORTED.withDescription("another call has attached to the process"));
            }
        } catch (RuntimeException e) {
            // The call is over: gRPC refuses messages then. The process goes on.
            detach();
        }
    }

    private void detach() {
        GuestProcess known = process;
        if (known != null) {
            known.detach(this);
        }
    }

    private synchronized void fail(Status status) {
        detach();
        if (!observer.isCancelled()) {
            try {
                observer.onError(status.asException());
            } catch (IllegalStateException e) {
                // It was completed in between.
            }
        }
    }

    @Override
    public void onError(Throwable error) {
        detach();
    }

    @Override
    public void onCompleted() {
        // The agent has nothing more to say; it still listens.
    }
}
