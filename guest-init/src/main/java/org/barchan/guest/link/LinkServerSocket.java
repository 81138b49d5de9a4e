package org.barchan.guest.link;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import javax.net.ServerSocketFactory;
import org.barchan.guest.link.LinkListener.Connection;
import org.jspecify.annotations.Nullable;

/**
 * Shows the link to the gRPC server as what it can listen on: its "sockets" are the epochs, and the address of their other end tells
 * which. No network is involved.
 */
public final class LinkServerSocket extends ServerSocket {
    /** Stands for this end wherever an address is asked for. */
    public static final SocketAddress ADDRESS = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

    private final LinkListener link;
    private volatile boolean closed;

    private LinkServerSocket(LinkListener link) throws IOException {
        this.link = link;
    }

    /** The host's end of one epoch. */
    public static final class EpochAddress extends SocketAddress {
        private static final long serialVersionUID = 1L;

        private final transient Connection connection;

        private EpochAddress(Connection connection) {
            this.connection = connection;
        }

        public Connection connection() {
            return connection;
        }
    }

    /** Returns a factory that makes one server socket: the link. */
    public static ServerSocketFactory factory(LinkListener link) {
        return new ServerSocketFactory() {
            @Override
            public ServerSocket createServerSocket() throws IOException {
                return new LinkServerSocket(link);
            }

            @Override
            public ServerSocket createServerSocket(int port) throws IOException {
                return createServerSocket();
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog) throws IOException {
                return createServerSocket();
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog, InetAddress address) throws IOException {
                return createServerSocket();
            }
        };
    }

    @Override
    public Socket accept() throws IOException {
        try {
            return new EpochSocket(link.accept());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        }
    }

    @Override
    public void bind(@Nullable SocketAddress address, int backlog) {}

    @Override
    public SocketAddress getLocalSocketAddress() {
        return ADDRESS;
    }

    @Override
    public void close() {
        closed = true;
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    private static final class EpochSocket extends Socket {
        private final Connection connection;

        EpochSocket(Connection connection) throws SocketException {
            super((SocketImpl) null);
            this.connection = connection;
        }

        @Override
        public InputStream getInputStream() {
            return connection.input();
        }

        @Override
        public OutputStream getOutputStream() {
            return connection.output();
        }

        @Override
        public void close() {
            connection.close();
        }

        @Override
        public boolean isClosed() {
            return connection.isClosed();
        }

        @Override
        public boolean isConnected() {
            return true;
        }

        @Override
        public void setTcpNoDelay(boolean on) {}

        @Override
        public void setSoTimeout(int millis) {}

        @Override
        public int getSoTimeout() {
            return 0;
        }

        @Override
        public SocketAddress getRemoteSocketAddress() {
            return new EpochAddress(connection);
        }

        @Override
        public SocketAddress getLocalSocketAddress() {
            return ADDRESS;
        }
    }
}
