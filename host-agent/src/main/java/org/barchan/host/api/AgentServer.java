package org.barchan.host.api;

import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.HostUser;

/** Serves the public API on a unix socket. */
public final class AgentServer implements AutoCloseable {
    private static final int MESSAGE_BYTES = 4 * 1024 * 1024;
    private static final int METADATA_BYTES = 8 * 1024;
    /** A client resets each run that ends before it has closed its standard input: more of them than an agent can start. */
    private static final int RESETS = 30_000;

    private static final int RESETS_SECONDS = 30;
    private static final int CALLS_PER_CONNECTION = 128;
    private static final int WINDOW_BYTES = 512 * 1024;

    private final Path socket;
    private final Server server;
    private final EventLoopGroup boss;
    private final EventLoopGroup workers;
    private final ExecutorService executor;
    private final HealthStatusManager health;

    private AgentServer(
            Path socket,
            Server server,
            EventLoopGroup boss,
            EventLoopGroup workers,
            ExecutorService executor,
            HealthStatusManager health) {
        this.socket = socket;
        this.server = server;
        this.boss = boss;
        this.workers = workers;
        this.executor = executor;
        this.health = health;
    }

    /**
     * Listens.
     *
     * @param socket where; whatever is there is replaced, so the caller has to know that no other agent serves it
     * @param allowedUids the users who may call
     */
    public static AgentServer listen(Path socket, Set<Integer> allowedUids, CallGate gate, Services services)
            throws IOException {
        Files.deleteIfExists(socket);
        EventLoopGroup boss = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        EventLoopGroup workers = new MultiThreadIoEventLoopGroup(2, EpollIoHandler.newFactory());
        ExecutorService executor = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("call-", 0).factory());
        HealthStatusManager health = new HealthStatusManager();
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(boss)
                .workerEventLoopGroup(workers)
                .protocolNegotiator(new PeerCredentialsNegotiator())
                .executor(executor)
                .maxInboundMessageSize(MESSAGE_BYTES)
                .maxInboundMetadataSize(METADATA_BYTES)
                .maxConcurrentCallsPerConnection(CALLS_PER_CONNECTION)
                .maxRstFramesPerWindow(RESETS, RESETS_SECONDS)
                .flowControlWindow(WINDOW_BYTES)
                .handshakeTimeout(5, TimeUnit.SECONDS)
                .keepAliveTime(60, TimeUnit.SECONDS)
                .keepAliveTimeout(20, TimeUnit.SECONDS)
                .permitKeepAliveTime(30, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(false);
        Server server = compose(builder, allowedUids, Caller::peer, gate, services, health)
                .build();
        AgentServer agent = new AgentServer(socket, server, boss, workers, executor, health);
        boolean listening = false;
        try {
            server.start();
            // The directory is closed to others, so nobody gets in before this.
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            listening = true;
            return agent;
        } finally {
            if (!listening) {
                agent.close();
            }
        }
    }

    /** Adds the services and all that stands before them; tests give it a transport of their own. */
    static <B extends ServerBuilder<B>> B compose(
            B builder,
            Set<Integer> allowedUids,
            Function<io.grpc.ServerCall<?, ?>, Optional<HostUser>> identify,
            CallGate gate,
            Services services,
            HealthStatusManager health) {
        // The last one added is the first one called.
        B guarded = builder.intercept(new CallTiming.Interceptor())
                .intercept(gate)
                .intercept(new Caller(allowedUids, identify));
        services.outermost().ifPresent(guarded::intercept);
        return guarded.addService(new ProcessEndpoint(services.sandboxes()))
                .addService(new PortEndpoint(services.sandboxes()))
                .addService(new SandboxEndpoint(services.sandboxes()))
                .addService(new EventEndpoint(services.sandboxes().events()))
                .addService(new FileEndpoint(services.sandboxes().files()))
                .addService(new StatsEndpoint(services.sandboxes().stats()))
                .addService(new NodeEndpoint(services.sandboxes(), services.version(), services.stateDirectory()))
                .addService(new TemplateEndpoint(services.sandboxes()))
                .addService(health.getHealthService())
                .addService(ProtoReflectionServiceV1.newInstance());
    }

    /** Takes no more connections, and removes the socket, so that clients start another agent. */
    public void stopListening() throws IOException {
        health.enterTerminalState();
        Files.deleteIfExists(socket);
        server.shutdown();
    }

    /** Ends what is left after a while. */
    public void await(Duration patience) throws InterruptedException {
        var _ = server.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        server.shutdownNow();
        var _ = boss.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        var _ = workers.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        executor.shutdownNow();
    }

    /**
     * What is served.
     *
     * @param version the agent's version
     * @param outermost what sees all calls, those that are refused too
     */
    public record Services(
            Sandboxes sandboxes, String version, Path stateDirectory, Optional<ServerInterceptor> outermost) {
        /** With nothing that sees all calls. */
        Services(Sandboxes sandboxes, String version, Path stateDirectory) {
            this(sandboxes, version, stateDirectory, Optional.empty());
        }
    }
}
