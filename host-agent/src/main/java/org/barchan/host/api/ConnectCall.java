package org.barchan.host.api;

import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.barchan.host.lifecycle.SandboxConnection;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ConnectStart;
import org.barchan.v1.Connected;
import org.barchan.v1.ConnectionEnd;

/**
 * One {@code Connect}: a thread carries what the sandbox sends, which also begins and ends it, and another one what the client sends.
 * gRPC's threads call it one at a time.
 */
final class ConnectCall implements StreamObserver<ConnectRequest> {
    private static final int MAX_DATA = 64 * 1024;
    /** How many messages of the client are taken ahead of who listens. */
    private static final int AHEAD = 2;

    /** How much may wait for the client. */
    private static final int BUFFERED_BYTES = 64 * 1024;

    private final Sandboxes sandboxes;
    private final ServerCallStreamObserver<ConnectResponse> call;
    private final Semaphore ready = new Semaphore(0);
    /** What the client has sent; empty at the end. Holds as many as were asked for. */
    private final BlockingQueue<Optional<ByteString>> input = new LinkedBlockingQueue<>();

    private Optional<Thread> carrier = Optional.empty();
    private int most = MAX_DATA;
    // Guarded by this: by whom the call is ended.
    private boolean over;

    ConnectCall(Sandboxes sandboxes, ServerCallStreamObserver<ConnectResponse> call) {
        this.sandboxes = sandboxes;
        this.call = call;
        call.disableAutoRequest();
        call.setOnReadyThreshold(BUFFERED_BYTES);
        call.setOnReadyHandler(ready::release);
        call.setOnCancelHandler(this::stop);
        call.request(1);
    }

    @Override
    public void onNext(ConnectRequest request) {
        if (carrier.isEmpty() != request.hasStart()) {
            violation("start", "out of order (expected: the first message, and once)");
            return;
        }
        switch (request.getRequestCase()) {
            case START -> start(request.getStart());
            case DATA -> {
                ByteString data = request.getData();
                if (data.size() > most) {
                    violation("data", data.size() + " bytes (expected: at most " + most + ")");
                } else {
                    input.add(Optional.of(data));
                }
            }
            case REQUEST_NOT_SET -> violation("request", "not set (expected: a request that this agent knows)");
        }
    }

    private void start(ConnectStart start) {
        List<StatusMapping.Violation> violations = new ArrayList<>();
        Optional<PortAddress> address = address(start, violations);
        if (start.getSandbox().isEmpty()) {
            violations.add(new StatusMapping.Violation("start.sandbox", "empty (expected: an id or a name)"));
        }
        if (address.isEmpty() || !violations.isEmpty()) {
            end(StatusMapping.of(violations));
            return;
        }
        Thread thread =
                Thread.ofVirtual().name("port").unstarted(() -> carryAll(start.getSandbox(), address.orElseThrow()));
        carrier = Optional.of(thread);
        most = address.get() instanceof PortAddress.Udp ? PortAddress.Udp.MAX_DATAGRAM : MAX_DATA;
        thread.start();
        call.request(AHEAD);
    }

    private static Optional<PortAddress> address(ConnectStart start, List<StatusMapping.Violation> violations) {
        String field = "start." + start.getAddressCase().name().toLowerCase(java.util.Locale.ROOT);
        try {
            return switch (start.getAddressCase()) {
                case TCP_PORT -> Optional.of(new PortAddress.Tcp(start.getTcpPort()));
                case ACCEPTED_CONNECTION -> Optional.of(new PortAddress.Accepted(start.getAcceptedConnection()));
                case UDP_PORT -> Optional.of(new PortAddress.Udp(start.getUdpPort()));
                case UNIX_PATH ->
                    Optional.of(new PortAddress.Unix(
                            GuestPath.of(start.getUnixPath().toByteArray())));
                case ADDRESS_NOT_SET -> {
                    violations.add(new StatusMapping.Violation(
                            "start.address",
                            "not set (expected: tcp_port, udp_port, unix_path or accepted_connection)"));
                    yield Optional.empty();
                }
            };
        } catch (IllegalArgumentException e) {
            violations.add(new StatusMapping.Violation(field, String.valueOf(e.getMessage())));
            return Optional.empty();
        }
    }

    private void carryAll(String sandbox, PortAddress address) {
        try (SandboxConnection connection = sandboxes.connect(sandbox, address)) {
            send(ConnectResponse.newBuilder().setConnected(Connected.getDefaultInstance()));
            Thread writer = Thread.ofVirtual().name("port-writer").start(() -> write(connection));
            try {
                for (Optional<ByteString> data = connection.take(); data.isPresent(); data = connection.take()) {
                    send(ConnectResponse.newBuilder().setData(data.get()));
                }
                send(ConnectResponse.newBuilder().setEnd(ConnectionEnd.getDefaultInstance()));
                connection.awaitEnd();
            } finally {
                writer.interrupt();
            }
            complete();
        } catch (SandboxException e) {
            end(StatusMapping.of(e));
        } catch (InterruptedException e) {
            end(StatusMapping.interrupted());
        } catch (RuntimeException | Error e) {
            end(StatusMapping.fault(e));
        }
    }

    private void write(SandboxConnection connection) {
        try {
            for (Optional<ByteString> data = input.take(); data.isPresent(); data = input.take()) {
                connection.write(data.get());
                call.request(1);
            }
            connection.end();
        } catch (SandboxException | InterruptedException e) {
            // The other thread passes on what has arrived before, and then sees the same.
        }
    }

    /** Blocks while the client does not read. */
    private void send(ConnectResponse.Builder response) throws InterruptedException {
        while (!call.isReady() && !call.isCancelled()) {
            ready.acquire();
        }
        synchronized (this) {
            if (over || call.isCancelled()) {
                throw new InterruptedException();
            }
            call.onNext(response.build());
        }
    }

    private synchronized void complete() {
        if (!over) {
            over = true;
            call.onCompleted();
        }
    }

    private synchronized void end(Throwable status) {
        if (!over && !call.isCancelled()) {
            call.onError(status);
        }
        over = true;
    }

    private void violation(String field, String problem) {
        end(StatusMapping.of(List.of(new StatusMapping.Violation(field, problem))));
        stop();
    }

    private void stop() {
        carrier.ifPresent(Thread::interrupt);
    }

    @Override
    public void onError(Throwable error) {
        stop();
    }

    @Override
    public void onCompleted() {
        if (carrier.isEmpty()) {
            violation("start", "missing (expected: the first message)");
        } else {
            input.add(Optional.empty());
        }
    }
}
