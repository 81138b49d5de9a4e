package org.barchan.client.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.barchan.client.BarchanException;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;

/** Listens, and has each connection carried by threads of its own. */
final class PortListener implements PortForward {
    private static final long PAUSE_MILLIS = 1000;

    private final Path agent;
    private final String sandbox;
    private final PortTarget target;
    private final ServerSocketChannel server;
    private final SocketAddress local;
    private final Consumer<BarchanException> failures;
    private final Set<PortConnection> connections = ConcurrentHashMap.newKeySet();

    private PortListener(
            Path agent,
            String sandbox,
            PortTarget target,
            ServerSocketChannel server,
            SocketAddress local,
            Consumer<BarchanException> failures) {
        this.agent = agent;
        this.sandbox = sandbox;
        this.target = target;
        this.server = server;
        this.local = local;
        this.failures = failures;
    }

    /** @param agent the agent's socket */
    static PortListener listen(
            Path agent, String sandbox, SocketAddress local, PortTarget target, Consumer<BarchanException> failures)
            throws BarchanException {
        try {
            boolean unix = local instanceof UnixDomainSocketAddress;
            ServerSocketChannel server =
                    unix ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
            PortListener listener = null;
            try {
                SocketAddress bound;
                if (local instanceof UnixDomainSocketAddress address) {
                    PrivateSocket.bind(server, address.getPath());
                    bound = local;
                } else {
                    bound = server.bind(local).getLocalAddress();
                }
                listener = new PortListener(agent, sandbox, target, server, bound, failures);
                Thread.ofPlatform().daemon().name("barchan-port").start(listener::accept);
                return listener;
            } finally {
                if (listener == null) {
                    server.close();
                }
            }
        } catch (IOException e) {
            throw cannotListen(local, e);
        }
    }

    static BarchanException cannotListen(SocketAddress local, IOException reason) {
        return new BarchanException(
                BarchanException.Code.PRECONDITION,
                "can't listen at " + text(local) + ": " + reason.getMessage()
                        + ". Choose another address, or port 0 for any",
                reason);
    }

    /** As Java has it, but without the slash where a host's name would be. */
    private static String text(SocketAddress address) {
        String text = address.toString();
        return address instanceof UnixDomainSocketAddress ? text : text.substring(text.indexOf('/') + 1);
    }

    private void accept() {
        while (true) {
            SocketChannel accepted;
            try {
                accepted = server.accept();
            } catch (IOException e) {
                if (!server.isOpen() || !goesOn(e)) {
                    return;
                }
                continue;
            }
            keepAlive(accepted);
            PortConnection connection = PortConnection.to(accepted, agent, sandbox, target);
            connections.add(connection);
            Thread.ofPlatform().daemon().name("barchan-port").start(() -> carry(connection));
            if (!server.isOpen()) {
                connection.close();
            }
        }
    }

    /** Of another host that is gone nothing else would tell. */
    private void keepAlive(SocketChannel accepted) {
        try {
            if (local instanceof InetSocketAddress) {
                accepted.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            }
        } catch (IOException e) {
            // It is gone already, as whoever reads it will see.
        }
    }

    /** No descriptor is left, or who connected has gone: there is nothing to wait for but time. */
    private boolean goesOn(IOException reason) {
        failures.accept(new BarchanException(
                BarchanException.Code.EXHAUSTED,
                "accepting connections at " + text(local) + ": " + reason.getMessage(),
                reason));
        try {
            Thread.sleep(PAUSE_MILLIS);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private void carry(PortConnection connection) {
        try {
            connection.carry();
        } catch (BarchanException e) {
            if (server.isOpen()) {
                failures.accept(e);
            }
        } finally {
            connections.remove(connection);
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
            server.close();
            if (local instanceof UnixDomainSocketAddress unix) {
                Files.deleteIfExists(unix.getPath());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + local, e);
        } finally {
            connections.forEach(PortConnection::close);
        }
    }
}
