package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.PortServiceGrpc;

/** {@code PortService}. */
final class PortEndpoint extends PortServiceGrpc.PortServiceImplBase {
    private final Sandboxes sandboxes;

    PortEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> responses) {
        return new ConnectCall(sandboxes, (ServerCallStreamObserver<ConnectResponse>) responses);
    }
}
