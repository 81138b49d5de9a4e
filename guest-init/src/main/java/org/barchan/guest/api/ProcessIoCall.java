package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.guest.boot.Console;
import org.barchan.guest.process.GuestProcess;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.jspecify.annotations.Nullable;

/** One call that carries a process's streams. A thread of its own sends; gRPC's threads receive, one at a time. */
final class ProcessIoCall implements StreamObserver<ProcessIoRequest> {
    private final ProcessTable processes;
    private final ServerCallStreamObserver<ProcessIoResponse> observer;
    private volatile @Nullable GuestProcess process;

    ProcessIoCall(ProcessTable processes, ServerCallStreamObserver<ProcessIoResponse> observer) {
        this.processes = processes;
        this.observer = observer;
        observer.setOnReadyHandler(this::wakeSender);
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
        Thread sender = new Thread(null, () -> send(found), "sender " + found.pid(), 256 * 1024);
        sender.setDaemon(true);
        sender.start();
    }

    private void send(GuestProcess from) {
        StdinWindow window = StdinWindow.getDefaultInstance();
        try {
            while (true) {
                ProcessIoResponse message = from.next(this, observer::isReady, window);
                if (message == null) {
                    fail(Status.ABORTED.withDescription("another call has attached to the process"));
                    return;
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
                        return;
                    }
                }
            }
        } catch (InterruptedException | RuntimeException e) {
            // The call is over: gRPC refuses messages then. The process goes on.
            detach();
        }
    }

    private void wakeSender() {
        GuestProcess known = process;
        if (known != null) {
            known.wake();
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
