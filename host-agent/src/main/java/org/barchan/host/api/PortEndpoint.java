package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.PortServiceGrpc;

/** {@code PortService}. */
final class PortEndpoint extends PortServiceGrpc.PortServiceImplBase {
    private static final int MAX_PORT = 65535;

    private final Sandboxes sandboxes;

    PortEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public void listen(ListenRequest request, StreamObserver<ListenResponse> responses) {
        PacedResponses.answer(responses, paced -> {
            int port = request.getTcpPort();
            if (port < 0 || port > MAX_PORT) {
                throw FileParser.invalid(
                        "tcp_port", Integer.toUnsignedString(port) + " (expected: 0 to " + MAX_PORT + ")");
            }
            sandboxes.listen(request, paced::send);
        });
    }

    @Override
    public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> responses) {
        return new ConnectCall(sandboxes, (ServerCallStreamObserver<ConnectResponse>) responses);
    }
}
