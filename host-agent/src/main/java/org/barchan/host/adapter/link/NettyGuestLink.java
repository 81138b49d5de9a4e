package org.barchan.host.adapter.link;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestLink;
import org.barchan.host.sandbox.SandboxId;

/** Reaches guests over unix sockets, with netty's epoll transport and gRPC. Safe for use by many threads. */
public final class NettyGuestLink implements GuestLink {
    private static final int THREADS = 2;

    /**
     * gRPC sets SO_KEEPALIVE on every socket, and netty warns of it at each connection to a unix socket. The reference keeps the
     * setting alive.
     */
    private static final Logger BOOTSTRAP_LOG = Logger.getLogger("io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap");

    static {
        BOOTSTRAP_LOG.setLevel(Level.SEVERE);
    }

    private final EventLoopGroup eventLoops = new MultiThreadIoEventLoopGroup(
            THREADS, new DefaultThreadFactory("guest-link", true), EpollIoHandler.newFactory());
    private final Set<GuestChannel> channels = ConcurrentHashMap.newKeySet();

    private final InstantSource clock;

    /** Connects to nothing yet. */
    public NettyGuestLink() {
        this(InstantSource.system());
    }

    /** @param clock what guests are told the time by */
    NettyGuestLink(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public Guest open(SandboxId id, Path socket) {
        GuestChannel channel = new GuestChannel(id, socket, eventLoops);
        channels.add(channel);
        return new NettyGuest(channel, clock, () -> {
            channels.remove(channel);
            channel.close();
        });
    }

    @Override
    public void close() {
        channels.forEach(GuestChannel::close);
        channels.clear();
        var _ = eventLoops.shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }
}
