package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.barchan.client.BarchanException;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ConnectStart;
import org.barchan.v1.PortServiceGrpc;

/**
 * Receives datagrams, and has those of each address carried by a call and two threads of their own, as long as any come from there; when there are as many such flows as may be, a new
 * one takes the place of the one from which nothing has come for longest. What there is no room for is lost.
 */
final class DatagramListener implements PortForward {
    /** At once; an agent takes some more calls of a channel. */
    private static final int MAX_FLOWS = 64;

    /** Flows that have lost their place need a moment to end. */
    private static final int MAX_ENDING = 16;

    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long PAUSE_MILLIS = 200;
    private static final int BUFFER = 64 * 1024;

    private final AgentChannel agent;
    private final String sandbox;
    private final PortTarget.Udp target;
    private final DatagramChannel socket;
    private final SocketAddress local;
    private final Consumer<BarchanException> failures;
    private final Map<SocketAddress, Flow> flows = new ConcurrentHashMap<>();
    private final Semaphore carriers = new Semaphore(MAX_FLOWS + MAX_ENDING);

    private DatagramListener(
            AgentChannel agent,
            String sandbox,
            PortTarget.Udp target,
            DatagramChannel socket,
            SocketAddress local,
            Consumer<BarchanException> failures) {
        this.agent = agent;
        this.sandbox = sandbox;
        this.target = target;
        this.socket = socket;
        this.local = local;
        this.failures = failures;
    }

    /** @param agent the agent's socket */
    static DatagramListener listen(
            Path agent,
            String sandbox,
            InetSocketAddress local,
            PortTarget.Udp target,
            Consumer<BarchanException> failures)
            throws BarchanException {
        boolean six = local.getAddress().getAddress().length > 4;
        try {
            DatagramChannel socket =
                    DatagramChannel.open(six ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET);
            boolean bound = false;
            try {
                socket.bind(local);
                bound = true;
                DatagramListener listener = new DatagramListener(
                        new AgentChannel(agent), sandbox, target, socket, socket.getLocalAddress(), failures);
                Thread.ofPlatform().daemon().name("barchan-port").start(listener::receive);
                return listener;
            } finally {
                if (!bound) {
                    socket.close();
                }
            }
        } catch (IOException e) {
            throw PortListener.cannotListen(local, e);
        }
    }

    private void receive() {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        while (true) {
            try {
                SocketAddress from = socket.receive(buffer.clear());
                Optional<Flow> flow = Optional.ofNullable(flows.get(from)).or(() -> begin(from));
                flow.ifPresent(known -> known.offer(ByteString.copyFrom(buffer.flip())));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                // Of the system's: there is nothing to wait for but time.
                try {
                    Thread.sleep(PAUSE_MILLIS);
                } catch (InterruptedException interrupted) {
                    return;
                }
            }
        }
    }

    private Optional<Flow> begin(SocketAddress from) {
        if (!carriers.tryAcquire()) {
            return Optional.empty();
        }
        if (flows.size() >= MAX_FLOWS) {
            endOneThatWasSilentLongest();
        }
        Flow flow = new Flow(from);
        flows.put(from, flow);
        flow.carrier.start();
        return Optional.of(flow);
    }

    /** Else who sends from ever more addresses, which may be none of its own, would shut out all others. */
    private void endOneThatWasSilentLongest() {
        long now = System.nanoTime();
        flows.values().stream()
                .max(Comparator.comparingLong(flow -> now - flow.last))
                .ifPresent(flow -> {
                    var _ = flows.remove(flow.address, flow);
                    flow.carrier.interrupt();
                });
    }

    /** The datagrams of one address. */
    private final class Flow {
        private final SocketAddress address;
        private final DatagramQueue waiting = new DatagramQueue();
        private final Thread carrier;
        private final BlockingClientCall<ConnectRequest, ConnectResponse> call = ClientCalls.blockingBidiStreamingCall(
                agent.channel(),
                PortServiceGrpc.getConnectMethod(),
                // For the longest datagram and others behind it.
                CallOptions.DEFAULT.withOnReadyThreshold(2 * BUFFER));
        /** When something came from there. */
        private volatile long last = System.nanoTime();

        Flow(SocketAddress address) {
            this.address = address;
            carrier = Thread.ofPlatform().daemon().name("barchan-port-in").unstarted(this::carry);
        }

        void offer(ByteString datagram) {
            last = System.nanoTime();
            waiting.offer(datagram);
        }

        private void carry() {
            try {
                call.write(ConnectRequest.newBuilder()
                        .setStart(ConnectStart.newBuilder().setSandbox(sandbox).setUdpPort(target.port()))
                        .build());
                Thread.ofPlatform().daemon().name("barchan-port").start(this::answer);
                long left = IDLE_NANOS;
                while (left > 0) {
                    Optional<ByteString> datagram = waiting.poll(left);
                    if (datagram.isPresent() && !send(datagram.get())) {
                        return;
                    }
                    left = IDLE_NANOS - (System.nanoTime() - last);
                }
            } catch (StatusException | IllegalStateException e) {
                // It is over; the other thread knows how.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                var _ = flows.remove(address, this);
                call.cancel("nothing came for a while", null);
                carriers.release();
            }
        }

        /** Sends it, or drops it where it would have to wait, which could be for ever; returns false when the flow is over. */
        private boolean send(ByteString datagram) throws InterruptedException, StatusException {
            try {
                return call.write(ConnectRequest.newBuilder().setData(datagram).build(), 0, TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                return true;
            }
        }

        private void answer() {
            try {
                for (ConnectResponse response = call.read(); response != null; response = call.read()) {
                    if (response.hasData()) {
                        var _ = socket.send(response.getData().asReadOnlyByteBuffer(), address);
                    }
                }
            } catch (StatusException e) {
                if (e.getStatus().getCode() != Status.Code.CANCELLED && socket.isOpen()) {
                    failures.accept(StatusErrors.toException(
                            "connecting to " + target + " of " + sandbox, e.getStatus(), e.getTrailers()));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                // It can't be sent there, or nobody listens any more.
            } finally {
                var _ = flows.remove(address, this);
                call.cancel("no answers any more", null);
                carrier.interrupt();
            }
        }
    }

    @Override
    public SocketAddress local() {
        return local;
    }

    @Override
    public PortTarget target() {
        return target;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + local, e);
        } finally {
            agent.close();
        }
    }
}
