package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.barchan.client.BarchanException;
import org.barchan.client.Run;
import org.barchan.client.RunListener;
import org.barchan.client.TerminalSize;
import org.barchan.client.Termination;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.SignalProcessResponse;
import org.barchan.v1.SignalRequest;
import org.barchan.v1.StdinClose;
import org.jspecify.annotations.Nullable;

/**
 * One call of ProcessService.Run. Responses go through a queue to a thread that calls the listener, so that a listener that blocks
 * holds back the responses and nothing else: input and signals go on.
 */
final class RunCall implements Run {
    /** Responses under way at once: 2 MiB of output at most. */
    private static final Metadata.Key<String> TIMING =
            Metadata.Key.of("barchan-timing", Metadata.ASCII_STRING_MARSHALLER);

    private static final int PREFETCH = 32;

    private static final Duration SIGNAL_DEADLINE = Duration.ofSeconds(10);

    private final AgentConnection connection;
    private final RunRequest start;
    private final ResponseDelivery delivery;
    private final OutputStream stdin = new StandardInput();

    /** Guards all below; never held while anything blocks, but for its conditions. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private @Nullable ClientCall<RunRequest, RunResponse> call;
    private @Nullable Channel channel;
    private String sandboxId = "";
    private String processId = "";
    private boolean answered;
    private boolean started;
    private boolean retried;
    private boolean cancelled;
    private boolean released;
    private volatile Map<String, Duration> timing = Map.of();
    private boolean inputClosed;
    private boolean ended;

    RunCall(AgentConnection connection, RunRequest start, RunListener listener) {
        this.connection = connection;
        this.start = start;
        this.sandboxId = start.getExec().getSandbox();
        this.delivery = new ResponseDelivery(listener, start.getStart().getDetach(), this::takeMore, this::cancel);
        var _ = delivery.termination().whenComplete((termination, error) -> end());
    }

    void begin(Channel over) {
        lock.lock();
        try {
            if (cancelled) {
                delivery.close(Status.CANCELLED.withDescription("the run was cancelled"), new Metadata());
                return;
            }
            channel = over;
            call = over.newCall(ProcessServiceGrpc.getRunMethod(), CallOptions.DEFAULT);
            call.start(new Responses(), new Metadata());
            call.sendMessage(start);
            if (released) {
                call.halfClose();
            }
            call.request(PREFETCH);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public CompletableFuture<Termination> termination() {
        return delivery.termination().copy();
    }

    @Override
    public Termination await() throws BarchanException, InterruptedException {
        try {
            return delivery.termination().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof BarchanException error) {
                throw error;
            }
            throw new BarchanException(BarchanException.Code.INTERNAL, "the run failed: " + e.getCause(), e);
        }
    }

    @Override
    public OutputStream stdin() {
        return stdin;
    }

    @Override
    public void signal(int signal) {
        if (signal < 1 || signal > 64) {
            throw new IllegalArgumentException("signal: " + signal + " (expected: 1 to 64)");
        }
        Channel over;
        SignalProcessRequest request;
        lock.lock();
        try {
            // An agent that says no id knows of no signal to a further process.
            over = started && (start.hasStart() || !processId.isEmpty()) ? channel : null;
            request = SignalProcessRequest.newBuilder()
                    .setSandbox(sandboxId)
                    .setProcessId(processId)
                    .setSignal(signal)
                    .build();
        } finally {
            lock.unlock();
        }
        if (over == null) {
            sendBehindInput(signal);
        } else {
            sendAheadOfInput(over, request);
        }
    }

    private void sendBehindInput(int signal) {
        send(RunRequest.newBuilder()
                .setSignal(SignalRequest.newBuilder().setSignal(signal))
                .build());
    }

    /** By a call of its own: on the stream the signal would wait behind input that the process may never read. */
    private void sendAheadOfInput(Channel over, SignalProcessRequest request) {
        ProcessServiceGrpc.newStub(over)
                .withDeadlineAfter(SIGNAL_DEADLINE)
                .signalProcess(request, new StreamObserver<>() {
                    @Override
                    public void onNext(SignalProcessResponse response) {}

                    @Override
                    public void onError(Throwable error) {
                        // The run itself tells how it ended; the signal is told once more where it may still arrive.
                        sendBehindInput(request.getSignal());
                    }

                    @Override
                    public void onCompleted() {}
                });
    }

    @Override
    public void resize(TerminalSize size) {
        if (!start.getStart().getProcess().hasTerminal()
                && !start.getExec().getProcess().hasTerminal()) {
            throw new IllegalStateException("the process has no terminal to resize");
        }
        send(RunRequest.newBuilder().setResize(SpecMapping.toProto(size)).build());
    }

    @Override
    public void release() {
        lock.lock();
        try {
            if (call != null && !ended && !cancelled && !released) {
                call.halfClose();
            }
            released = true;
            inputClosed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Map<String, Duration> timing() {
        return timing;
    }

    /** What is not as expected is left out: it is for people to look at. */
    private static Map<String, Duration> timing(Metadata trailers) {
        Map<String, Duration> times = new LinkedHashMap<>();
        for (String mark : String.valueOf(trailers.get(TIMING)).split(",", -1)) {
            String[] parts = mark.split("=", 2);
            if (parts.length == 2 && parts[1].matches("[0-9]{1,15}")) {
                times.put(parts[0], Duration.of(Long.parseLong(parts[1]), ChronoUnit.MICROS));
            }
        }
        return Collections.unmodifiableMap(times);
    }

    @Override
    public void cancel() {
        ClientCall<RunRequest, RunResponse> running;
        lock.lock();
        try {
            cancelled = true;
            running = call;
        } finally {
            lock.unlock();
        }
        if (running != null) {
            running.cancel("the run was cancelled", null);
        }
    }

    private void takeMore() {
        lock.lock();
        try {
            if (call != null && !ended) {
                call.request(1);
            }
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Sends unless the call has ended: then there is nobody whom it could reach. */
    private void send(RunRequest request) {
        lock.lock();
        try {
            if (call != null && !ended && !cancelled && !released) {
                call.sendMessage(request);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Tries once with another agent: this one left before it had begun anything. */
    private void retry() {
        Thread.ofPlatform().daemon().name("barchan-run-retry").start(() -> {
            try {
                begin(connection.replace(Objects.requireNonNull(channel)));
            } catch (BarchanException e) {
                delivery.fail(e);
            }
        });
    }

    /** Called by gRPC, one after the other; must not block. */
    private final class Responses extends ClientCall.Listener<RunResponse> {
        @Override
        public void onMessage(RunResponse response) {
            lock.lock();
            try {
                answered = true;
                if (response.getProcess().hasStarted()) {
                    started = true;
                    processId = response.getProcess().getStarted().getProcessId();
                }
                sandboxId = response.hasSandbox() ? response.getSandbox().getId() : sandboxId;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            delivery.add(response);
        }

        @Override
        public void onReady() {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            timing = timing(trailers);
            boolean again;
            lock.lock();
            try {
                again = AgentLauncher.hasLeft(status) && !answered && !retried && !cancelled;
                retried = true;
                ended = !again;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            if (again) {
                retry();
            } else {
                delivery.close(status, trailers);
            }
        }
    }

    /** Waits for the first response before it sends, so that a call that must be repeated has lost no input. */
    private final class StandardInput extends OutputStream {
        private static final int CHUNK = 64 * 1024;

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            for (int done = 0; done < length; ) {
                int part = Math.min(CHUNK, length - done);
                ByteString chunk = ByteString.copyFrom(bytes, offset + done, part);
                sendWhenReady(RunRequest.newBuilder().setStdin(chunk).build());
                done += part;
            }
        }

        private void sendWhenReady(RunRequest request) throws IOException {
            lock.lock();
            try {
                if (inputClosed) {
                    throw new IOException("standard input was closed");
                }
                if (!sendUnlessEnded(request)) {
                    throw new IOException("the run has ended");
                }
            } finally {
                lock.unlock();
            }
        }

        private boolean sendUnlessEnded(RunRequest request) throws IOException {
            try {
                while (!ended && !released && (!answered || call == null || !call.isReady())) {
                    changed.await();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while writing to standard input", e);
            }
            if (ended || released || call == null) {
                return false;
            }
            call.sendMessage(request);
            return true;
        }

        /** Keeps the call open for signals: the end of input is a message of its own. */
        @Override
        public void close() throws IOException {
            lock.lock();
            try {
                if (!inputClosed) {
                    sendUnlessEnded(RunRequest.newBuilder()
                            .setStdinClose(StdinClose.getDefaultInstance())
                            .build());
                    inputClosed = true;
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
