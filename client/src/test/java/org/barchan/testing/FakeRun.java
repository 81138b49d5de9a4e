package org.barchan.testing;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.barchan.v1.AttachStart;
import org.barchan.v1.Attached;
import org.barchan.v1.ExecStart;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.ProgressLevel;
import org.barchan.v1.RunProgress;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.Sandbox;
import org.barchan.v1.SandboxState;
import org.barchan.v1.SpawnError;
import org.barchan.v1.SpawnStep;
import org.barchan.v1.StdinProgress;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** The agent's end of one run. Each wait fails after a minute. */
public final class FakeRun implements StreamObserver<RunRequest> {
    public static final Sandbox SANDBOX = Sandbox.newBuilder()
            .setId("b-aaaaaaaaaaaa")
            .setName("fake")
            .setState(SandboxState.SANDBOX_STATE_RUNNING)
            .setKernelRelease("6.1.0-fake")
            .build();

    private static final int DEADLINE_SECONDS = 60;
    private static final ByteString END = ByteString.EMPTY;
    private static final int WINDOW = 16;

    private final ServerCallStreamObserver<RunResponse> responses;
    private final CompletableFuture<RunStart> start = new CompletableFuture<>();
    private final CompletableFuture<ExecStart> exec = new CompletableFuture<>();
    private final CompletableFuture<AttachStart> attach = new CompletableFuture<>();
    private final BlockingQueue<ByteString> stdin = new LinkedBlockingQueue<>();
    private final BlockingQueue<Integer> signals = new LinkedBlockingQueue<>();
    private final BlockingQueue<TerminalSize> sizes = new LinkedBlockingQueue<>();
    private long stdoutBytes;
    private long stderrBytes;
    private final Semaphore ready = new Semaphore(0);
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    FakeRun(StreamObserver<RunResponse> responses) {
        this.responses = (ServerCallStreamObserver<RunResponse>) responses;
        this.responses.disableAutoRequest();
        this.responses.setOnReadyHandler(ready::release);
        this.responses.setOnCancelHandler(() -> {
            gone.complete(null);
            ready.release();
        });
        this.responses.request(WINDOW);
    }

    void perform(FakeAgent.Behaviour behaviour) {
        try {
            start();
            behaviour.run(this);
        } catch (StatusRuntimeException e) {
            responses.onError(e);
        } catch (Exception e) {
            if (!gone.isDone()) {
                e.printStackTrace();
                responses.onError(e);
            }
        }
    }

    public RunStart start() throws Exception {
        return start.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Returns what was ordered if it was to run in a sandbox that is there. */
    public ExecStart exec() throws Exception {
        return exec.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Returns what was ordered if a process was to be joined. */
    public AttachStart attach() throws Exception {
        return attach.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    public boolean isAttach() {
        return attach.isDone();
    }

    /** Says where a process has been joined. */
    public FakeRun attached(long stdoutOffset, StdinProgress stdin) {
        stdoutBytes = stdoutOffset;
        responses.onNext(RunResponse.newBuilder()
                .setAttached(Attached.newBuilder().setStdoutOffset(stdoutOffset).setStdin(stdin))
                .build());
        return this;
    }

    public FakeRun stdin(StdinProgress progress) {
        responses.onNext(RunResponse.newBuilder().setStdinProgress(progress).build());
        return this;
    }

    /** Says that sandbox and process run. */
    public FakeRun started() {
        sandbox();
        return process();
    }

    /** Says that the process runs. */
    public FakeRun process() {
        responses.onNext(RunResponse.newBuilder()
                .setProcess(ProcessEvent.newBuilder()
                        .setStarted(ProcessStarted.newBuilder().setPid(7)))
                .build());
        return this;
    }

    public FakeRun sandbox() {
        responses.onNext(RunResponse.newBuilder().setSandbox(SANDBOX).build());
        return this;
    }

    public FakeRun progress(ProgressLevel level, String message) {
        responses.onNext(RunResponse.newBuilder()
                .setProgress(RunProgress.newBuilder().setLevel(level).setMessage(message))
                .build());
        return this;
    }

    public FakeRun console(String text) {
        responses.onNext(RunResponse.newBuilder()
                .setConsoleOutput(ByteString.copyFromUtf8(text))
                .build());
        return this;
    }

    /** Returns the next bytes of standard input, empty at its end. */
    public Optional<ByteString> read() throws InterruptedException {
        ByteString bytes = stdin.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
        if (bytes == null) {
            throw new AssertionError("no input within " + DEADLINE_SECONDS + " s");
        }
        responses.request(1);
        return Optional.of(bytes).filter(some -> !some.isEmpty());
    }

    public int nextSignal() throws InterruptedException {
        Integer signal = signals.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
        if (signal == null) {
            throw new AssertionError("no signal within " + DEADLINE_SECONDS + " s");
        }
        return signal;
    }

    public TerminalSize awaitSize() throws InterruptedException {
        TerminalSize size = sizes.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
        if (size == null) {
            throw new AssertionError("no size within " + DEADLINE_SECONDS + " s");
        }
        return size;
    }

    public boolean hasSignal() {
        return !signals.isEmpty();
    }

    public boolean isGone() {
        return gone.isDone();
    }

    /** Waits until the client has cancelled. */
    public void awaitGone() throws Exception {
        gone.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Writes as fast as the client takes it. */
    public FakeRun write(OutputStream stream, ByteString bytes) throws InterruptedException {
        while (!responses.isReady() && !gone.isDone()) {
            if (!ready.tryAcquire(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("the client took no output for " + DEADLINE_SECONDS + " s");
            }
        }
        boolean out = stream == OutputStream.OUTPUT_STREAM_STDOUT;
        responses.onNext(RunResponse.newBuilder()
                .setProcess(ProcessEvent.newBuilder()
                        .setOutput(ProcessOutput.newBuilder()
                                .setStream(stream)
                                .setOffset(out ? stdoutBytes : stderrBytes)
                                .setData(bytes)))
                .build());
        stdoutBytes += out ? bytes.size() : 0;
        stderrBytes += out ? 0 : bytes.size();
        return this;
    }

    public FakeRun stdout(String text) throws InterruptedException {
        return write(OutputStream.OUTPUT_STREAM_STDOUT, ByteString.copyFromUtf8(text));
    }

    public FakeRun stderr(String text) throws InterruptedException {
        return write(OutputStream.OUTPUT_STREAM_STDERR, ByteString.copyFromUtf8(text));
    }

    /** Says that the process has ended, and not that this was all. */
    public FakeRun terminated(int code) {
        responses.onNext(RunResponse.newBuilder()
                .setProcess(ProcessEvent.newBuilder()
                        .setTerminated(Termination.newBuilder().setExitCode(code)))
                .build());
        return this;
    }

    /** Ends the call, of a process that runs on. */
    public void detached() {
        responses.onCompleted();
    }

    public void exit(int code) {
        end(Termination.newBuilder().setExitCode(code).setCause(TerminationCause.TERMINATION_CAUSE_EXITED));
    }

    public void killed(int signal, TerminationCause cause) {
        end(Termination.newBuilder().setSignal(signal).setCause(cause));
    }

    public void notStarted(SpawnStep step, int errno, String message) {
        end(Termination.newBuilder()
                .setSpawnError(
                        SpawnError.newBuilder().setStep(step).setErrno(errno).setMessage(message))
                .setCause(TerminationCause.TERMINATION_CAUSE_NOT_STARTED));
    }

    public void end(Termination.Builder termination) {
        responses.onNext(RunResponse.newBuilder()
                .setProcess(ProcessEvent.newBuilder().setTerminated(termination))
                .build());
        responses.onCompleted();
    }

    @Override
    public void onNext(RunRequest request) {
        switch (request.getRequestCase()) {
            case START -> {
                start.complete(request.getStart());
                responses.request(1);
            }
            case EXEC -> {
                exec.complete(request.getExec());
                start.complete(RunStart.newBuilder()
                        .setProcess(request.getExec().getProcess())
                        .build());
                responses.request(1);
            }
            case ATTACH -> {
                attach.complete(request.getAttach());
                start.complete(RunStart.getDefaultInstance());
                responses.request(1);
            }
            case CREATED -> {
                start.complete(RunStart.newBuilder()
                        .setDetach(request.getCreated().getDetach())
                        .build());
                responses.request(1);
            }
            case STDIN -> stdin.add(request.getStdin());
            case STDIN_CLOSE -> {
                stdin.add(END);
                responses.request(1);
            }
            case SIGNAL -> {
                signals.add(request.getSignal().getSignal());
                responses.request(1);
            }
            case RESIZE -> {
                sizes.add(request.getResize());
                responses.request(1);
            }
            case REQUEST_NOT_SET -> throw new IllegalStateException("an empty request");
        }
    }

    @Override
    public void onError(Throwable error) {
        gone.complete(null);
    }

    @Override
    public void onCompleted() {
        stdin.add(END);
    }
}
