package org.barchan.host.adapter.link;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** An in-memory guest behind a real link. */
final class TestGuest implements AutoCloseable {
    /** They tell at length of each connection that a test cuts. */
    private static final List<Logger> QUIET = List.of(
            Logger.getLogger("io.grpc.internal.SerializingExecutor"),
            Logger.getLogger("io.grpc.netty.shaded.io.grpc.netty.NettyServerHandler"),
            Logger.getLogger("io.grpc.netty.shaded.io.netty.bootstrap.ServerBootstrap"));

    static {
        QUIET.forEach(logger -> logger.setLevel(Level.OFF));
    }

    /** What is done to a connection. */
    interface Fault {
        void prepare(LinkServer.Connection connection) throws IOException;
    }

    final InMemoryGuest service = new InMemoryGuest();
    final Path socket;
    final LinkServer link;
    /** The connection that is there now. */
    volatile LinkServer.@Nullable Connection epoch;

    /** Done before it is served. */
    volatile Fault fault = connection -> {};
    /** What is done once the host has ended the epoch; then the connection is closed. */
    volatile Fault end = connection -> {};

    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("test-guest", true), EpollIoHandler.newFactory());
    private final Server server;

    TestGuest(Path directory) throws IOException {
        this(directory, Optional.empty());
    }

    /** A guest with another service. */
    TestGuest(Path directory, Optional<BindableService> other) throws IOException {
        Path backend = directory.resolve("grpc.sock");
        socket = directory.resolve("guest.sock");
        server = NettyServerBuilder.forAddress(new DomainSocketAddress(backend.toFile()))
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(loops)
                .workerEventLoopGroup(loops)
                .addService(other.orElse(service))
                .build()
                .start();
        link = new LinkServer(socket, connection -> {
            fault.prepare(connection);
            connection.handshake();
            epoch = connection;
            service.epoch = connection;
            connection.bridge(backend);
            end.prepare(connection);
        });
    }

    @Override
    public void close() throws IOException {
        link.close();
        server.shutdownNow();
        var _ = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
