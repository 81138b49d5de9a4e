package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Semaphore;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.PortServiceGrpc;

/** {@code PortService}. */
final class PortEndpoint extends PortServiceGrpc.PortServiceImplBase {
    /** With what waits on each, if nobody reads any, half of the agent's memory. */
    static final int MAX_CONNECTIONS = 192;

    private final Sandboxes sandboxes;
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);

    PortEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> responses) {
        return new ConnectCall(sandboxes, places, (ServerCallStreamObserver<ConnectResponse>) responses);
    }
}
