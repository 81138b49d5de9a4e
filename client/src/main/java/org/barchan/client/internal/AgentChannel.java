package org.barchan.client.internal;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.okhttp.OkHttpChannelBuilder;
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
    /** That of netty, which is at the other end. */
    private static final int WINDOW_BYTES = 1 << 20;

    private final ManagedChannel channel;

    AgentChannel(Path socket) {
        // An address to be resolved without asking anybody; the sockets lead elsewhere.
        channel = OkHttpChannelBuilder.forAddress("127.0.0.1", 1)
                .socketFactory(UnixSocket.factory(socket))
                .overrideAuthority("localhost")
                .usePlaintext()
                .flowControlWindow(WINDOW_BYTES)
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
    }
}
