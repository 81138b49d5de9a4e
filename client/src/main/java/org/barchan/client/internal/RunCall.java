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
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
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
import org.barchan.v1.AttachStart;
import org.barchan.v1.Attached;
import org.barchan.v1.ClientLostPolicy;
import org.barchan.v1.OutputGap;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ProgressLevel;
import org.barchan.v1.RunProgress;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.SignalProcessResponse;
import org.barchan.v1.SignalRequest;
import org.barchan.v1.StdinClose;
import org.jspecify.annotations.Nullable;

/**
 * One call of ProcessService.Run. Responses go through a queue to a thread that calls the listener, so that a listener that blocks
 * holds back the responses and little else: signals go on, and input does; that of a process which outlives the call some MiB far.
 */
final class RunCall implements Run {
    /** Responses under way at once: 2 MiB of output at most. */
    private static final Metadata.Key<String> TIMING =
            Metadata.Key.of("barchan-timing", Metadata.ASCII_STRING_MARSHALLER);

    private static final int PREFETCH = 32;

    /** One after the other, where each agent goes at once. */
    private static final int MAX_REJOINS = 5;

    /** An agent that has served so long has not gone at once. */
    private static final long PROGRESS_NANOS = 1_000_000_000;

    /** Standard input that the agent may have and the sandbox may not: some times what they hold. */
    private static final int MAX_KEPT = 8 << 20;

    /** Signals and sizes that wait for the process to be joined. */
    private static final int MAX_WAITING = 64;

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
    private boolean over;
    private boolean retried;
    /** A call is on its way to where the last one was, by the process's leave; what is to be sent waits. */
    private boolean joining;
    /** How often the process was joined again, one time soon after the other. */
    private int rejoined;

    private long begunNanos;
    private volatile boolean terminal;
    /** The call is one that sends nothing. */
    private boolean outputOnly;

    private long stdoutNext;
    private long stderrNext;
    private final SentInput sent = new SentInput();
    private final Deque<RunRequest> waiting = new ArrayDeque<>();
    private boolean cancelled;
    private boolean released;
    private volatile Map<String, Duration> timing = Map.of();
    private boolean inputClosed;
    private boolean ended;

    RunCall(AgentConnection connection, RunRequest start, RunListener listener) {
        this.connection = connection;
        this.start = start;
        this.sandboxId = start.getExec().getSandbox();
        this.processId = start.getAttach().getProcessId();
        this.joining = start.hasAttach() || canBeRepeated();
        this.terminal = start.getStart().getProcess().hasTerminal()
                || start.getExec().getProcess().hasTerminal();
        this.delivery = new ResponseDelivery(
                listener,
                start.getStart().getDetach()
                        || start.getExec().getDetach()
                        || start.getCreated().getDetach(),
                this::takeMore,
                this::cancel);
        var _ = delivery.termination().whenComplete((termination, error) -> end());
    }

    void begin(Channel to) {
        begin(to, start);
    }

    private void begin(Channel to, RunRequest first) {
        lock.lock();
        try {
            if (cancelled) {
                delivery.close(Status.CANCELLED.withDescription("the run was cancelled"), new Metadata());
                return;
            }
            channel = to;
            begunNanos = System.nanoTime();
            outputOnly = first.getAttach().getOutputOnly();
            call = to.newCall(ProcessServiceGrpc.getRunMethod(), CallOptions.DEFAULT);
            call.start(new Responses(), new Metadata());
            call.sendMessage(first);
            if (released && !first.hasAttach()) {
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
    public String processId() {
        lock.lock();
        try {
            return processId;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void signal(int signal) {
        if (signal < 1 || signal > 64) {
            throw new IllegalArgumentException("signal: " + signal + " (expected: 1 to 64)");
        }
        Channel to;
        SignalProcessRequest request;
        lock.lock();
        try {
            // An agent that says no id knows of no signal to a further process.
            to = started && !joining && (!start.hasExec() || !processId.isEmpty()) ? channel : null;
            request = SignalProcessRequest.newBuilder()
                    .setSandbox(sandboxId)
                    .setProcessId(processId)
                    .setSignal(signal)
                    .build();
        } finally {
            lock.unlock();
        }
        if (to == null) {
            sendBehindInput(signal);
        } else {
            sendAheadOfInput(to, request);
        }
    }

    private void sendBehindInput(int signal) {
        send(RunRequest.newBuilder()
                .setSignal(SignalRequest.newBuilder().setSignal(signal))
                .build());
    }

    /** By a call of its own: on the stream the signal would wait behind input that the process may never read. */
    private void sendAheadOfInput(Channel to, SignalProcessRequest request) {
        ProcessServiceGrpc.newStub(to)
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
        if (!terminal) {
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
            changed.signalAll();
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
            if (call == null || ended || cancelled || released) {
                return;
            }
            if (outputOnly) {
                return;
            }
            if (joining) {
                if (waiting.size() < MAX_WAITING) {
                    waiting.add(request);
                }
            } else {
                call.sendMessage(request);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether the same order starts nothing a second time. */
    private boolean canBeRepeated() {
        return !start.getExec().getProcessId().isEmpty()
                || !start.getStart().getRequestId().isEmpty();
    }

    /** Whether the process outlives a call, and can be joined again. */
    private boolean outlivesCall() {
        RunStart run = start.getStart();
        return start.hasAttach()
                || (start.hasCreated() && !start.getCreated().getDetach())
                || (!start.getExec().getProcessId().isEmpty()
                        && !start.getExec().getDetach())
                || (run.getClientLostPolicy() == ClientLostPolicy.CLIENT_LOST_POLICY_KEEP
                        && !run.getDetach()
                        && !run.getExportChanges()
                        && !run.getAwaitHalfClose());
    }

    /** Goes on where it was, with the next agent. */
    private void rejoin() {
        RunRequest attach;
        lock.lock();
        try {
            attach = RunRequest.newBuilder()
                    .setAttach(AttachStart.newBuilder()
                            .setSandbox(sandboxId)
                            .setProcessId(processId)
                            .setStdoutOffset(stdoutNext)
                            .setStderrOffset(stderrNext)
                            .setOutputOnly(start.getAttach().getOutputOnly() || sent.isClosed()))
                    .build();
        } finally {
            lock.unlock();
        }
        delivery.add(RunResponse.newBuilder()
                .setProgress(RunProgress.newBuilder()
                        .setLevel(ProgressLevel.PROGRESS_LEVEL_VERBOSE)
                        .setMessage("the agent has gone; the command runs on, and is joined again"))
                .build());
        Thread.ofPlatform().daemon().name("barchan-run-rejoin").start(() -> {
            try {
                begin(connection.replace(Objects.requireNonNull(channel)), attach);
            } catch (BarchanException e) {
                delivery.fail(e);
            }
        });
    }

    /** Sends what the agent before has taken with it, and what has waited. */
    private void joined(Attached attached, ClientCall<RunRequest, RunResponse> to) {
        joining = false;
        started = true;
        processId = processId.isEmpty() ? start.getExec().getProcessId() : processId;
        stdoutNext = attached.getStdoutOffset();
        stderrNext = attached.getStderrOffset();
        if (!attached.hasStdin() || attached.getStdin().getClosed()) {
            sent.close();
        } else {
            sent.attached(attached.getStdin().getTaken(), attached.getStdin().getReceived())
                    .forEach(piece -> to.sendMessage(
                            RunRequest.newBuilder().setStdin(piece).build()));
            if (inputClosed) {
                to.sendMessage(RunRequest.newBuilder()
                        .setStdinClose(StdinClose.getDefaultInstance())
                        .build());
            }
        }
        if (attached.hasStdin()) {
            waiting.forEach(to::sendMessage);
        }
        waiting.clear();
        if (released) {
            to.halfClose();
        }
    }

    private void reached(ProcessEvent event) {
        over |= event.hasTerminated();
        if (event.hasStarted()) {
            started = true;
            processId = event.getStarted().getProcessId();
            if (joining && call != null) {
                joining = false;
                waiting.forEach(call::sendMessage);
                waiting.clear();
            }
        }
        if (event.hasOutput()) {
            ProcessOutput output = event.getOutput();
            reached(output.getStream(), output.getOffset() + output.getData().size());
        }
    }

    private void reached(org.barchan.v1.OutputStream stream, long offset) {
        if (stream == org.barchan.v1.OutputStream.OUTPUT_STREAM_STDERR) {
            stderrNext = offset;
        } else {
            stdoutNext = offset;
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
                switch (response.getResponseCase()) {
                    case SANDBOX -> {
                        sandboxId = response.getSandbox().getId();
                        terminal =
                                terminal || response.getSandbox().getProcess().getTerminal();
                    }
                    case PROCESS -> reached(response.getProcess());
                    case GAP -> {
                        OutputGap gap = response.getGap();
                        reached(gap.getStream(), gap.getOffset() + gap.getBytes());
                    }
                    case ATTACHED -> {
                        if (!cancelled) {
                            joined(response.getAttached(), Objects.requireNonNull(call));
                        }
                    }
                    case STDIN_PROGRESS -> {
                        sent.drop(response.getStdinProgress().getReceived());
                        if (response.getStdinProgress().getClosed()) {
                            sent.close();
                        }
                    }
                    case PROGRESS, CONSOLE_OUTPUT, CHANGES, RESPONSE_NOT_SET -> {}
                }
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
            boolean rejoin;
            lock.lock();
            try {
                boolean left = AgentLauncher.hasLeft(status) && !cancelled;
                again = left && !retried && (!answered || ((start.hasAttach() || canBeRepeated()) && !started));
                retried |= again;
                rejoined = System.nanoTime() - begunNanos > PROGRESS_NANOS ? 1 : rejoined + 1;
                rejoin = left && started && !over && outlivesCall() && rejoined <= MAX_REJOINS;
                joining |= rejoin;
                ended = !again && !rejoin;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            if (again) {
                retry();
            } else if (rejoin) {
                rejoin();
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
                while (!ended
                        && !released
                        && !cancelled
                        && (!answered || joining || call == null || !call.isReady() || sent.size() > MAX_KEPT)) {
                    changed.await();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while writing to standard input", e);
            }
            if (ended || released || cancelled || call == null) {
                return false;
            }
            if (outlivesCall()) {
                if (sent.isClosed()) {
                    return true;
                }
                if (request.hasStdin()) {
                    sent.add(request.getStdin());
                }
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
