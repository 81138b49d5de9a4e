package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.host.lifecycle.Sandboxes;
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
            sandboxes.signal(request.getSandbox(), request.getProcessId(), ProcessParser.signal(request.getSignal()));
            return SignalProcessResponse.getDefaultInstance();
        });
    }
}
