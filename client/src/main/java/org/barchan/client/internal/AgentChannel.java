package org.barchan.client.internal;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.stub.ClientCalls;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.barchan.client.AgentInfo;
import org.barchan.v1.GetNodeRequest;
import org.barchan.v1.NodeServiceGrpc;

/** One gRPC connection over a unix socket. */
final class AgentChannel implements AutoCloseable {
    private static final int ANSWER_SECONDS = 10;
    /** The largest message of the API is 64 KiB of output and its frame; an agent gets no chance to send much more. */
    private static final int MAXIMUM_MESSAGE_BYTES = 4 << 20;

    private final EventLoopGroup eventLoop;
    private final ManagedChannel channel;

    AgentChannel(Path socket) {
        // Daemon threads: a run that nobody waits for must not keep the program alive.
        eventLoop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("barchan-agent-channel", true), EpollIoHandler.newFactory());
        channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .eventLoopGroup(eventLoop)
                .channelType(EpollDomainSocketChannel.class)
                .overrideAuthority("localhost")
                .usePlaintext()
                // Callbacks only put things into queues, so that the event loop can call them itself.
                .directExecutor()
                .disableRetry()
                .disableServiceConfigLookUp()
                .maxTraceEvents(0)
                .proxyDetector(address -> null)
                .maxInboundMessageSize(MAXIMUM_MESSAGE_BYTES)
                .build();
    }

    Channel channel() {
        return channel;
    }

    /** Asks the agent what it is. Throws UNAVAILABLE at once if nobody listens. */
    AgentInfo agent() {
        return ResultMapping.fromProto(ClientCalls.blockingUnaryCall(
                channel,
                NodeServiceGrpc.getGetNodeMethod(),
                CallOptions.DEFAULT.withDeadlineAfter(ANSWER_SECONDS, TimeUnit.SECONDS),
                GetNodeRequest.getDefaultInstance()));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        var _ = eventLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
