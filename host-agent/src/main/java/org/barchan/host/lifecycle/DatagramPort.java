package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A UDP port of this host that leads to one of a sandbox. What comes from one address is a flow, with a socket of its own in the sandbox, whose answers go back there. It lasts as long as
 * something comes from there, whatever the sandbox does; when there are as many as may be, a new one takes the place of the one from which nothing has come for longest. What there is no
 * room for is lost. Thread-safe.
 */
final class DatagramPort implements AutoCloseable {
    /** At once. */
    static final int MAX_FLOWS = 64;

    /** Flows that have lost their place need a moment to end; together they take fewer connections than a sandbox may have. */
    private static final int MAX_ENDING = 16;

    private static final Logger LOG = LoggerFactory.getLogger(DatagramPort.class);
    private static final Duration IDLE = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final int BUFFER = 64 * 1024;

    private final DatagramChannel channel;
    private final PublishedPort port;
    private final Map<SocketAddress, Flow> flows = new ConcurrentHashMap<>();
    private final Semaphore carriers = new Semaphore(MAX_FLOWS + MAX_ENDING);
    private Optional<Thread> receiver = Optional.empty();

    private DatagramPort(DatagramChannel channel, PublishedPort port) {
        this.channel = channel;
        this.port = port;
    }

    /** @throws IOException when nobody can listen there */
    static DatagramPort open(PublishedPort port) throws IOException {
        boolean six = port.host().getAddress().getAddress().length > 4;
        DatagramChannel channel =
                DatagramChannel.open(six ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET);
        boolean bound = false;
        try {
            channel.bind(port.host());
            int chosen = ((InetSocketAddress) channel.getLocalAddress()).getPort();
            bound = true;
            return new DatagramPort(channel, port.at(chosen));
        } finally {
            if (!bound) {
                channel.close();
            }
        }
    }

    /** Returns it with the number that was chosen. */
    PublishedPort port() {
        return port;
    }

    /** Carries what comes to a sandbox, while it runs. */
    void serve(Sandbox sandbox) {
        receiver = Optional.of(Thread.ofVirtual().name("port-" + sandbox.id()).start(() -> receive(sandbox)));
    }

    private void receive(Sandbox sandbox) {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        while (channel.isOpen()) {
            try {
                SocketAddress from = channel.receive(buffer.clear());
                Optional<Flow> flow = Optional.ofNullable(flows.get(from)).or(() -> begin(sandbox, from));
                flow.ifPresent(known -> known.offer(ByteString.copyFrom(buffer.flip())));
            } catch (IOException e) {
                if (!channel.isOpen() || !goesOn(sandbox, e)) {
                    return;
                }
            }
        }
    }

    /** There is nothing to wait for but time. */
    private boolean goesOn(Sandbox sandbox, IOException reason) {
        LOG.warn("{}: receiving at {}: {}", sandbox.id(), port.listensAt(), reason.toString());
        try {
            Thread.sleep(PAUSE);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private Optional<Flow> begin(Sandbox sandbox, SocketAddress from) {
        if (!carriers.tryAcquire()) {
            return Optional.empty();
        }
        if (flows.size() >= MAX_FLOWS) {
            endOneThatWasSilentLongest();
        }
        Flow flow = new Flow(sandbox, from);
        flows.put(from, flow);
        flow.thread.start();
        return Optional.of(flow);
    }

    /** Else who sends from ever more addresses, which may be none of its own, would shut out all others. */
    private void endOneThatWasSilentLongest() {
        long now = System.nanoTime();
        flows.values().stream()
                .max(Comparator.comparingLong(flow -> now - flow.last))
                .ifPresent(flow -> {
                    var _ = flows.remove(flow.address, flow);
                    flow.thread.interrupt();
                });
    }

    /** Those of one address. */
    private final class Flow {
        private final Sandbox sandbox;
        private final SocketAddress address;
        private final DatagramQueue waiting = new DatagramQueue();
        private final Thread thread;
        /** When something came from there. */
        private volatile long last = System.nanoTime();

        Flow(Sandbox sandbox, SocketAddress address) {
            this.sandbox = sandbox;
            this.address = address;
            thread = Thread.ofVirtual().name("port-" + sandbox.id()).unstarted(this::carry);
        }

        void offer(ByteString datagram) {
            last = System.nanoTime();
            waiting.offer(datagram);
        }

        private void carry() {
            try (SandboxConnection connection = SandboxConnection.open(sandbox, port.target())) {
                // That the connection is closed ends it; if it was interrupted, the socket could be closed by that.
                Thread.ofVirtual().name("port-writer").start(() -> answer(connection));
                send(connection);
            } catch (SandboxException e) {
                // Not louder: it is so for each datagram to a sandbox that does not run any more.
                LOG.debug("{}: {}", sandbox.id(), Printable.line(String.valueOf(e.getMessage())));
            } catch (InterruptedException e) {
                LOG.debug("{}: interrupted", sandbox.id());
            } finally {
                var _ = flows.remove(address, this);
                carriers.release();
            }
        }

        /** Returns when nothing has come for long enough. */
        private void send(SandboxConnection connection) throws SandboxException, InterruptedException {
            long left = IDLE.toNanos();
            while (left > 0) {
                Optional<ByteString> datagram = waiting.poll(left);
                if (datagram.isPresent()) {
                    connection.write(datagram.get());
                }
                left = IDLE.toNanos() - (System.nanoTime() - last);
            }
        }

        private void answer(SandboxConnection connection) {
            try {
                for (Optional<ByteString> data = connection.take(); data.isPresent(); data = connection.take()) {
                    var _ = channel.send(data.get().asReadOnlyByteBuffer(), address);
                }
            } catch (IOException e) {
                LOG.debug("{}: answering {}: {}", sandbox.id(), address, e.toString());
            } catch (SandboxException | InterruptedException e) {
                // The other thread knows, or has had enough.
            } finally {
                thread.interrupt();
            }
        }
    }

    /** Listens no more. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing a socket: {}", e.toString());
        }
        flows.values().forEach(flow -> flow.thread.interrupt());
        try {
            // A port is open until the thread that waits at it has let go.
            if (receiver.isPresent()) {
                receiver.get().join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
