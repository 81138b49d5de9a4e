package org.barchan.host.api;

import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.barchan.host.lifecycle.Attachment;
import org.barchan.host.lifecycle.ExecOrder;
import org.barchan.host.lifecycle.ProcessControl;
import org.barchan.host.lifecycle.Run;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.AttachStart;
import org.barchan.v1.CreatedStart;
import org.barchan.v1.ExecStart;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.TerminalSize;

/**
 * The client's side of one {@code Run}: holds it to the order of the requests, and takes no more standard input than fits a small buffer
 * until the process has taken it. Called by one thread at a time, save for {@link #taken}.
 */
final class RunCall implements StreamObserver<RunRequest> {
    private static final int MAX_STDIN_MESSAGE = 64 * 1024;
    /** Read ahead of the process, so that a signal behind some standard input is seen. */
    private static final int READ_AHEAD = 256 * 1024;

    /** What a message costs besides its bytes. */
    private static final int MESSAGE_COST = 256;

    private final Sandboxes sandboxes;
    private final HostUser client;
    private final ServerCallStreamObserver<RunResponse> call;
    private final RunResponses responses;
    private Optional<ProcessControl> run = Optional.empty();
    private boolean terminal;
    private boolean outputOnly;
    private boolean stdinOpen;
    private boolean stdinClosed;
    // Guarded by this.
    private int waitingBytes;
    private int requestsOwed;

    RunCall(Sandboxes sandboxes, HostUser client, ServerCallStreamObserver<RunResponse> call) {
        this.sandboxes = sandboxes;
        this.client = client;
        this.call = call;
        this.responses = new RunResponses(call);
        call.disableAutoRequest();
        call.setOnCancelHandler(this::lost);
        call.request(1);
    }

    @Override
    public void onNext(RunRequest request) {
        if (run.isEmpty() != (request.hasStart() || request.hasExec() || request.hasAttach() || request.hasCreated())) {
            violation(
                    request.getRequestCase().name().toLowerCase(java.util.Locale.ROOT),
                    "out of order (expected: start, exec, attach or created first, and once)");
            return;
        }
        if (outputOnly) {
            violation(
                    request.getRequestCase().name().toLowerCase(java.util.Locale.ROOT),
                    "after attach.output_only (expected: nothing)");
            return;
        }
        switch (request.getRequestCase()) {
            case START -> {
                stdinOpen = request.getStart().getStdinOpen();
                begin(
                        request.getStart().getProcess().hasTerminal(),
                        () -> sandboxes.runOnce(new RunStartParser().parse(request.getStart(), client), responses));
            }
            case EXEC -> {
                stdinOpen = request.getExec().getStdinOpen();
                begin(request.getExec().getProcess().hasTerminal(), () -> exec(request.getExec()));
            }
            case ATTACH -> begin(false, () -> attach(request.getAttach()));
            case CREATED -> begin(false, () -> created(request.getCreated()));
            case STDIN -> stdin(request.getStdin());
            case STDIN_CLOSE -> {
                closeStdin();
                call.request(1);
            }
            case SIGNAL -> signal(request.getSignal().getSignal());
            case RESIZE -> resize(request.getResize());
            case REQUEST_NOT_SET -> violation("request", "not set (expected: a request that this agent knows)");
        }
    }

    private void begin(boolean hasTerminal, Begin begin) {
        try {
            terminal = hasTerminal;
            run = Optional.of(begin.begin());
            call.request(1);
        } catch (SandboxException e) {
            responses.refuse(StatusMapping.of(e));
        } catch (InterruptedException e) {
            responses.refuse(StatusMapping.interrupted());
        } catch (RuntimeException e) {
            responses.refuse(e);
        }
    }

    private ProcessControl exec(ExecStart start) throws SandboxException, InterruptedException {
        ExecOrder order = new ExecStartParser().parse(start);
        return sandboxes.processes().execute(start.getSandbox(), order, responses);
    }

    private Run created(CreatedStart start) throws SandboxException, InterruptedException {
        checkNamed("created.sandbox", start.getSandbox());
        return sandboxes
                .created()
                .start(
                        start.getSandbox(),
                        start.getDetach(),
                        (kept, owner) -> {
                            terminal = kept.getProcess().hasTerminal();
                            stdinOpen = kept.getStdinOpen();
                            return new RunStartParser().parse(kept, owner);
                        },
                        responses);
    }

    private static void checkNamed(String field, String idOrName) {
        if (idOrName.isEmpty()) {
            throw StatusMapping.of(List.of(new StatusMapping.Violation(field, "empty (expected: an id or a name)")));
        }
    }

    private Attachment attach(AttachStart start) throws SandboxException, InterruptedException {
        checkNamed("attach.sandbox", start.getSandbox());
        Attachment attachment = sandboxes
                .processes()
                .attach(
                        start.getSandbox(),
                        start.getProcessId(),
                        start.hasStdoutOffset()
                                ? OptionalLong.of(ProcessParser.offset("attach.stdout_offset", start.getStdoutOffset()))
                                : OptionalLong.empty(),
                        start.hasStderrOffset()
                                ? OptionalLong.of(ProcessParser.offset("attach.stderr_offset", start.getStderrOffset()))
                                : OptionalLong.empty(),
                        start.getOutputOnly(),
                        responses);
        terminal = attachment.hasTerminal();
        outputOnly = start.getOutputOnly();
        return attachment;
    }

    @FunctionalInterface
    private interface Begin {
        ProcessControl begin() throws SandboxException, InterruptedException;
    }

    private void stdin(ByteString data) {
        if (data.size() > MAX_STDIN_MESSAGE) {
            violation("stdin", data.size() + " bytes (expected: at most " + MAX_STDIN_MESSAGE + ")");
            return;
        }
        if (stdinClosed) {
            violation("stdin", "after its end (expected: nothing behind stdin_close)");
            return;
        }
        synchronized (this) {
            waitingBytes += data.size() + MESSAGE_COST;
            requestsOwed++;
            requestWhatIsOwed();
        }
        run.orElseThrow().input().data(data, () -> taken(data.size()));
    }

    private synchronized void taken(int bytes) {
        waitingBytes -= bytes + MESSAGE_COST;
        requestWhatIsOwed();
    }

    private synchronized void requestWhatIsOwed() {
        if (waitingBytes < READ_AHEAD && requestsOwed > 0) {
            call.request(requestsOwed);
            requestsOwed = 0;
        }
    }

    private void signal(int number) {
        if (number < 1 || number > 64) {
            violation("signal.signal", number + " (expected: 1 to 64)");
            return;
        }
        run.orElseThrow().input().signal(number);
        call.request(1);
    }

    private void resize(TerminalSize size) {
        Optional<String> problem = ProcessParser.problem(size);
        if (!terminal) {
            violation("resize", "without process.terminal (expected: a process with a terminal)");
        } else if (problem.isPresent()) {
            violation("resize", problem.get());
        } else {
            run.orElseThrow().input().resize(size);
            call.request(1);
        }
    }

    private void closeStdin() {
        if (!stdinClosed) {
            stdinClosed = true;
            run.ifPresent(process -> process.input().end());
        }
    }

    /** A client that breaks the rules is refused, and its run dealt with as if it were gone. */
    private void violation(String field, String problem) {
        responses.refuse(StatusMapping.of(List.of(new StatusMapping.Violation(field, problem))));
        run.ifPresent(ProcessControl::clientLost);
    }

    @Override
    public void onError(Throwable error) {
        lost();
    }

    @Override
    public void onCompleted() {
        if (run.isEmpty()) {
            violation("start", "missing (expected: start, exec, attach or created before the end of the requests)");
        } else {
            if (!stdinOpen) {
                closeStdin();
            }
            run.orElseThrow().requestsEnded();
        }
    }

    private void lost() {
        run.ifPresent(ProcessControl::clientLost);
        responses.wake();
    }
}
