package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.SignalProcessResponse;

/** {@code ProcessService}. */
final class ProcessEndpoint extends ProcessServiceGrpc.ProcessServiceImplBase {
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
            int number = request.getSignal();
            if (number < 1 || number > 64) {
                throw new SandboxException(SandboxException.Code.INVALID, "signal: " + number + " (expected: 1 to 64)");
            }
            sandboxes.signal(request.getSandbox(), request.getProcessId(), number);
            return SignalProcessResponse.getDefaultInstance();
        });
    }
}
