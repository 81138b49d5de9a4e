package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.barchan.guest.boot.Console;
import org.barchan.guest.link.LinkListener.Connection;
import org.barchan.guest.process.GuestProcess;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.link.OutputHeader;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessStarted;
import org.jspecify.annotations.Nullable;

/**
 * One call that carries a process's streams. Whichever thread brings news sends them, one thread at a time; gRPC's threads receive, one
 * at a time.
 */
final class ProcessIoCall implements StreamObserver<ProcessIoRequest>, GuestProcess.Outlet {
    /** Finds the process that a call attaches to, or starts it. */
    interface Processes {
        GuestProcess process(Attach attach) throws Errno;
    }

    private final Processes processes;
    private final Connection epoch;
    private final ServerCallStreamObserver<ProcessIoResponse> observer;
    private volatile @Nullable GuestProcess process;
    private int outputChannel;
    private boolean startAsked;
    /** How often news were told since the last time that nothing was left to send. */
    private final AtomicInteger news = new AtomicInteger();
    /** Used by whoever sends. */
    private StdinWindow window = StdinWindow.getDefaultInstance();

    private boolean completed;

    /** Sends output as frames of the epoch that the call belongs to. */
    ProcessIoCall(Processes processes, Connection epoch, ServerCallStreamObserver<ProcessIoResponse> observer) {
        this.processes = processes;
        this.epoch = epoch;
        this.observer = observer;
        observer.setOnReadyHandler(this::news);
        observer.setOnCancelHandler(this::detach);
        observer.setOnCloseHandler(this::detach);
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
                case OUTPUT_ACK -> {
                    attached(known)
                            .acknowledge(
                                    request.getOutputAck().getStdoutOffset(),
                                    request.getOutputAck().getStderrOffset());
                    news();
                }
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
        if (attach.getOutputChannel() == 0) {
            throw new IllegalArgumentException("output_channel: 0 (expected: another number)");
        }
        outputChannel = attach.getOutputChannel();
        startAsked = attach.hasStart();
        GuestProcess found;
        try {
            found = processes.process(attach);
        } catch (Errno | RuntimeException e) {
            fail(GuestServiceImplementation.statusOf(e));
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
            while (true) {
                ProcessIoResponse message = observer.isReady() ? from.next(this, window) : null;
                if (message == null) {
                    if (!from.sendOutput(this)) {
                        break;
                    }
                    continue;
                }
                if (startAsked && from.pid() > 0) {
                    message = message.toBuilder()
                            .setStarted(ProcessStarted.newBuilder().setPid(from.pid()))
                            .build();
                }
                startAsked = false;
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
        } catch (IOException | RuntimeException e) {
            // The epoch or the call is over: gRPC refuses messages then. The process goes on.
            detach();
        }
    }

    @Override
    public void output(OutputStream stream, long offset, byte[] array, int from, int length) throws IOException {
        epoch.writeOutput(new OutputHeader(outputChannel, stream.getNumber(), offset), array, from, length);
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
