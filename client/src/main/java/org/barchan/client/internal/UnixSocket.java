package org.barchan.client.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/** A connection over a unix socket in the form that gRPC's transport takes: as a socket, which Java has for networks alone. */
final class UnixSocket extends Socket {
    private static final SocketAddress ADDRESS = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

    private final SocketChannel channel;

    private UnixSocket(SocketChannel channel) throws SocketException {
        super((SocketImpl) null);
        this.channel = channel;
    }

    /** Returns a factory whose sockets are all connected to {@code path}, whatever address they are asked for. */
    static SocketFactory factory(Path path) {
        return new SocketFactory() {
            @Override
            public Socket createSocket() throws IOException {
                return new UnixSocket(SocketChannel.open(UnixDomainSocketAddress.of(path)));
            }

            @Override
            public Socket createSocket(String host, int port) throws IOException {
                return createSocket();
            }

            @Override
            public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
                return createSocket();
            }

            @Override
            public Socket createSocket(InetAddress host, int port) throws IOException {
                return createSocket();
            }

            @Override
            public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
                    throws IOException {
                return createSocket();
            }
        };
    }

    @Override
    public void connect(@Nullable SocketAddress address, int millis) {}

    @Override
    public InputStream getInputStream() {
        return Channels.newInputStream(channel);
    }

    @Override
    public OutputStream getOutputStream() {
        return Channels.newOutputStream(channel);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    @Override
    public boolean isClosed() {
        return !channel.isOpen();
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
        return ADDRESS;
    }

    @Override
    public SocketAddress getLocalSocketAddress() {
        return ADDRESS;
    }
}
