package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Semaphore;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ConnectOpen;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse;
import org.barchan.guest.v1.ListenRequest;
import org.barchan.guest.v1.ListenResponse;
import org.barchan.guest.v1.PortServiceGrpc;

/** Connections to what listens in the sandbox. See port_service.proto of the guest. */
final class PortServiceImplementation extends PortServiceGrpc.PortServiceImplBase {
    /**
     * The init's memory has room for what is on its way on so many, both ways, if nobody reads any of them. A flow of datagrams, which
     * are longer, counts as two.
     */
    static final int MAX_CONNECTIONS = 128;

    private static final int MAX_PORT = 65535;

    private final Connector connector;
    private final PortListeners listeners;
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);

    /** Connects to what is in the sandbox. Blocks. */
    interface Connector {
        StreamSocket connect(ConnectOpen target) throws Errno;
    }

    PortServiceImplementation(Connector connector, PortListeners listeners) {
        this.connector = connector;
        this.listeners = listeners;
    }

    @Override
    public void listen(ListenRequest request, StreamObserver<ListenResponse> observer) {
        try {
            listeners.listen(request.getTcpPort(), (ServerCallStreamObserver<ListenResponse>) observer);
        } catch (Errno | RuntimeException e) {
            observer.onError(statusOf(e).asRuntimeException());
        }
    }

    @Override
    public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> observer) {
        return new PortCall(this::open, this::release, (ServerCallStreamObserver<ConnectResponse>) observer);
    }

    /** Takes a place, which the caller gives back unless this fails, and connects. */
    private StreamSocket open(ConnectOpen target) throws Errno {
        check(target);
        if (!places.tryAcquire(placesOf(target))) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription("connect: " + MAX_CONNECTIONS
                            + " connections are open in this sandbox, as many as may be at once: close one")
                    .asRuntimeException();
        }
        boolean connected = false;
        try {
            StreamSocket socket =
                    target.hasAccepted() ? listeners.take(target.getAccepted()) : connector.connect(target);
            connected = true;
            return socket;
        } finally {
            if (!connected) {
                release(target);
            }
        }
    }

    private void release(ConnectOpen target) {
        places.release(placesOf(target));
    }

    private static int placesOf(ConnectOpen target) {
        return target.hasUdpPort() ? 2 : 1;
    }

    private static void check(ConnectOpen target) {
        switch (target.getAddressCase()) {
            case TCP_PORT -> check("tcp_port", target.getTcpPort());
            case UDP_PORT -> check("udp_port", target.getUdpPort());
            case UNIX_PATH -> {
                if (target.getUnixPath().isEmpty() || target.getUnixPath().byteAt(0) != '/') {
                    throw new IllegalArgumentException(
                            "unix_path: '" + target.getUnixPath().toStringUtf8() + "' (expected: an absolute path)");
                }
            }
            case ACCEPTED -> {}
            case ADDRESS_NOT_SET -> throw new IllegalArgumentException("address: not set");
        }
    }

    private static void check(String field, int port) {
        if (port < 1 || port > MAX_PORT) {
            throw new IllegalArgumentException(
                    field + ": " + Integer.toUnsignedString(port) + " (expected: 1 to " + MAX_PORT + ")");
        }
    }

    /** Returns what the agent is told of a connection that can't be made. */
    static Status statusOf(Exception e) {
        if (!(e instanceof Errno errno)) {
            return GuestServiceImplementation.statusOf(e);
        }
        Status status = switch (errno.number()) {
            case Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP -> Status.NOT_FOUND;
            case Errno.EMFILE, Errno.ENOMEM -> Status.RESOURCE_EXHAUSTED;
            default -> Status.FAILED_PRECONDITION;
        };
        return status.withDescription(errno.getMessage());
    }
}
