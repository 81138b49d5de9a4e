package org.barchan.host.api;

import com.google.protobuf.Timestamp;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ListProcessesRequest;
import org.barchan.v1.ListProcessesResponse;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ReadLogRequest;
import org.barchan.v1.ReadLogResponse;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.SignalProcessResponse;
import org.barchan.v1.WaitProcessRequest;
import org.barchan.v1.WaitProcessResponse;

/** {@code ProcessService}. */
final class ProcessEndpoint extends ProcessServiceGrpc.ProcessServiceImplBase {
    /** Of a timestamp, as its definition has it. */
    private static final long MIN_SECONDS = -62_135_596_800L;

    private static final long MAX_SECONDS = 253_402_300_799L;

    private final Sandboxes sandboxes;

    ProcessEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public StreamObserver<RunRequest> run(StreamObserver<RunResponse> responses) {
        return new RunCall(sandboxes, Caller.current(), (ServerCallStreamObserver<RunResponse>) responses);
    }

    @Override
    public void signalProcess(SignalProcessRequest request, StreamObserver<SignalProcessResponse> responses) {
        Answer.to(responses, () -> {
            sandboxes
                    .processes()
                    .signal(request.getSandbox(), request.getProcessId(), ProcessParser.signal(request.getSignal()));
            return SignalProcessResponse.getDefaultInstance();
        });
    }

    @Override
    public void listProcesses(ListProcessesRequest request, StreamObserver<ListProcessesResponse> responses) {
        Answer.to(
                responses,
                () -> ListProcessesResponse.newBuilder()
                        .addAllProcesses(sandboxes.processes().list(request.getSandbox()))
                        .build());
    }

    @Override
    public void readLog(ReadLogRequest request, StreamObserver<ReadLogResponse> responses) {
        PacedResponses.answer(
                responses,
                paced -> sandboxes
                        .processes()
                        .readLog(
                                request.getSandbox(),
                                request.getProcessId(),
                                request.getFollow(),
                                since(request),
                                ProcessParser.offset("stdout_offset", request.getStdoutOffset()),
                                ProcessParser.offset("stderr_offset", request.getStderrOffset()),
                                entry -> paced.send(ReadLogResponse.newBuilder()
                                        .setEntry(entry)
                                        .build())));
    }

    private static Instant since(ReadLogRequest request) throws SandboxException {
        if (!request.hasSince()) {
            return Instant.MIN;
        }
        Timestamp since = request.getSince();
        if (since.getSeconds() < MIN_SECONDS
                || since.getSeconds() > MAX_SECONDS
                || since.getNanos() < 0
                || since.getNanos() >= 1_000_000_000) {
            throw new SandboxException(
                    SandboxException.Code.INVALID,
                    "since: " + since.getSeconds() + " s " + since.getNanos()
                            + " ns (expected: a time from year 1 to 9999)");
        }
        return Instant.ofEpochSecond(since.getSeconds(), since.getNanos());
    }

    @Override
    public void waitProcess(WaitProcessRequest request, StreamObserver<WaitProcessResponse> responses) {
        PacedResponses.answer(
                responses,
                paced -> paced.send(WaitProcessResponse.newBuilder()
                        .setTermination(sandboxes.processes().await(request.getSandbox(), request.getProcessId()))
                        .build()));
    }
}
