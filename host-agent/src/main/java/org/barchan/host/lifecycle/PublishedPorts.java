package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ports of this host that lead to a sandbox: threads of its own accept and carry connections. Thread-safe. */
final class PublishedPorts implements AutoCloseable {
    /** None. */
    static final PublishedPorts NONE = new PublishedPorts(List.of(), List.of(), List.of());

    private static final Logger LOG = LoggerFactory.getLogger(PublishedPorts.class);
    private static final int PIECE = 32 * 1024;

    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(200);

    private final List<Listener> listeners;
    private final List<DatagramPort> datagrams;
    private final List<PublishedPort> ports;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
    private final List<Thread> acceptors = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    /** Where one is listened at. */
    private record Listener(ServerSocketChannel server, PublishedPort port) {}

    private PublishedPorts(List<Listener> listeners, List<DatagramPort> datagrams, List<PublishedPort> ports) {
        this.listeners = List.copyOf(listeners);
        this.datagrams = List.copyOf(datagrams);
        this.ports = List.copyOf(ports);
    }

    /**
     * Listens; who connects waits for {@link #serve}.
     *
     * @throws SandboxException {@code PRECONDITION}: it can't listen at one of them, and does at none
     */
    static PublishedPorts listen(List<PublishedPort> wanted) throws SandboxException {
        List<Listener> listeners = new ArrayList<>();
        List<DatagramPort> datagrams = new ArrayList<>();
        List<PublishedPort> ports = new ArrayList<>();
        boolean listening = false;
        try {
            for (PublishedPort port : wanted) {
                ports.add(open(port, "start.published_ports[" + ports.size() + "]: ", listeners, datagrams));
            }
            listening = true;
            return new PublishedPorts(listeners, datagrams, ports);
        } finally {
            if (!listening) {
                listeners.forEach(listener -> close(listener.server()));
                datagrams.forEach(DatagramPort::close);
            }
        }
    }

    /** Returns it with the number that was chosen. */
    private static PublishedPort open(
            PublishedPort port, String field, List<Listener> listeners, List<DatagramPort> datagrams)
            throws SandboxException {
        try {
            return switch (port.target()) {
                case PortAddress.Tcp _ -> {
                    listeners.add(listen(port));
                    yield listeners.getLast().port();
                }
                case PortAddress.Udp _ -> {
                    datagrams.add(DatagramPort.open(port));
                    yield datagrams.getLast().port();
                }
            };
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    field + "can't listen at " + port.listensAt() + ": " + e.getMessage()
                            + ". Choose another port, or 0 for any that is free",
                    e);
        }
    }

    private static Listener listen(PublishedPort port) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open();
        boolean bound = false;
        try {
            server.bind(port.host());
            int chosen = ((InetSocketAddress) server.getLocalAddress()).getPort();
            bound = true;
            return new Listener(server, port.at(chosen));
        } finally {
            if (!bound) {
                close(server);
            }
        }
    }

    /** Listens again after a former agent; where that is not possible, the log says so, and the port is only listed. */
    static PublishedPorts again(SandboxView kept) {
        List<Listener> listeners = new ArrayList<>();
        List<DatagramPort> datagrams = new ArrayList<>();
        for (PublishedPort port : kept.published()) {
            try {
                var _ = open(port, "", listeners, datagrams);
            } catch (SandboxException e) {
                LOG.warn("{}: {}", kept.id(), e.getMessage());
            }
        }
        return new PublishedPorts(listeners, datagrams, kept.published());
    }

    /** Returns them with the ports that were chosen. */
    List<PublishedPort> ports() {
        return ports;
    }

    /** Carries who connects to a sandbox, while it runs. */
    void serve(Sandbox sandbox) {
        for (Listener listener : listeners) {
            acceptors.add(Thread.ofVirtual()
                    .name("port-" + sandbox.id())
                    .start(() -> accept(sandbox, listener.server(), listener.port())));
        }
        datagrams.forEach(port -> port.serve(sandbox));
    }

    private void accept(Sandbox sandbox, ServerSocketChannel server, PublishedPort port) {
        while (true) {
            SocketChannel accepted;
            try {
                accepted = server.accept();
            } catch (IOException e) {
                if (closed || !server.isOpen() || !goesOn(sandbox, port, e)) {
                    return;
                }
                continue;
            }
            keepAlive(accepted);
            connections.add(accepted);
            Thread.ofVirtual().name("port-" + sandbox.id()).start(() -> carryAll(sandbox, accepted, port));
            if (closed) {
                close(accepted);
            }
        }
    }

    /** No descriptor is left, or who connected has gone: there is nothing to wait for but time. */
    private static boolean goesOn(Sandbox sandbox, PublishedPort port, IOException reason) {
        LOG.warn("{}: accepting connections at {}: {}", sandbox.id(), port.listensAt(), reason.toString());
        try {
            Thread.sleep(ACCEPT_PAUSE);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private void carryAll(Sandbox sandbox, SocketChannel socket, PublishedPort port) {
        boolean whole = false;
        try (SandboxConnection connection = SandboxConnection.open(sandbox, port.target())) {
            carry(socket, connection);
            whole = true;
        } catch (SandboxException e) {
            LOG.info("{}: {}", sandbox.id(), Printable.line(String.valueOf(e.getMessage())));
        } catch (IOException e) {
            LOG.debug("{}: who has connected to {} is gone: {}", sandbox.id(), port.listensAt(), e.toString());
        } catch (InterruptedException e) {
            LOG.debug("{}: interrupted", sandbox.id());
        } finally {
            if (!whole) {
                resetOnClose(socket);
            }
            close(socket);
            connections.remove(socket);
        }
    }

    private static void carry(SocketChannel socket, SandboxConnection connection)
            throws SandboxException, IOException, InterruptedException {
        Thread writer = Thread.ofVirtual().name("port-writer").start(() -> send(socket, connection));
        try {
            for (Optional<ByteString> data = connection.take(); data.isPresent(); data = connection.take()) {
                ByteBuffer bytes = data.get().asReadOnlyByteBuffer();
                while (bytes.hasRemaining()) {
                    var _ = socket.write(bytes);
                }
            }
            socket.shutdownOutput();
            connection.awaitEnd();
        } catch (SandboxException | IOException | InterruptedException e) {
            // Before the writer is interrupted, which closes the socket: who reads is not to take this for the end.
            resetOnClose(socket);
            throw e;
        } finally {
            writer.interrupt();
        }
    }

    private static void send(SocketChannel socket, SandboxConnection connection) {
        ByteBuffer buffer = ByteBuffer.allocate(PIECE);
        try {
            while (socket.read(buffer.clear()) >= 0) {
                connection.write(ByteString.copyFrom(buffer.flip()));
            }
            connection.end();
        } catch (IOException e) {
            connection.close();
        } catch (SandboxException | InterruptedException e) {
            // The other thread knows.
        }
    }

    /** Of another host that is gone nothing else would tell. */
    private static void keepAlive(SocketChannel socket) {
        try {
            socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        } catch (IOException e) {
            LOG.debug("a connection that is gone already: {}", e.toString());
        }
    }

    private static void resetOnClose(SocketChannel socket) {
        try {
            socket.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException e) {
            // It is closed already.
        }
    }

    private static void close(java.nio.channels.Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing a socket: {}", e.toString());
        }
    }

    /** Listens no more, and breaks off what connections there are. */
    @Override
    public void close() {
        closed = true;
        listeners.forEach(listener -> close(listener.server()));
        datagrams.forEach(DatagramPort::close);
        connections.forEach(connection -> {
            resetOnClose(connection);
            close(connection);
        });
        // A port is open until the thread that waits at it has let go.
        for (Thread acceptor : acceptors) {
            try {
                acceptor.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
