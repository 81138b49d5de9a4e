package org.barchan.host.adapter.link;

import io.grpc.netty.shaded.io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.shaded.io.grpc.netty.ProtocolNegotiationEvent;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.util.AsciiString;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/** Puts the frame layer and the guard in front of gRPC's HTTP/2, and starts that when the guest has agreed to the epoch. */
final class LinkNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final InternalProtocolNegotiator.ProtocolNegotiator plaintext = InternalProtocolNegotiators.plaintext();
    private final LinkObserver observer;
    private final GuestBudget budget;

    LinkNegotiator(LinkObserver observer, GuestBudget budget) {
        this.observer = observer;
        this.budget = budget;
    }

    @Override
    public AsciiString scheme() {
        return plaintext.scheme();
    }

    @Override
    public ChannelHandler newHandler(GrpcHttp2ConnectionHandler http2) {
        return new Gate(http2);
    }

    @Override
    public void close() {
        plaintext.close();
    }

    private static long newEpoch() {
        long epoch = RANDOM.nextLong();
        return epoch == 0 ? 1 : epoch;
    }

    /** Holds HTTP/2 back. */
    private final class Gate extends ChannelInboundHandlerAdapter {
        private final GrpcHttp2ConnectionHandler http2;
        private @Nullable ProtocolNegotiationEvent negotiation;

        Gate(GrpcHttp2ConnectionHandler http2) {
            this.http2 = http2;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            ctx.pipeline()
                    .addBefore(ctx.name(), "link", new LinkHandler(newEpoch(), observer, budget))
                    .addBefore(ctx.name(), "guard", new FrameGuard(observer, budget));
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event instanceof ProtocolNegotiationEvent begun) {
                negotiation = begun;
            } else if (event == LinkHandler.Event.UP && negotiation != null) {
                ctx.pipeline().replace(ctx.name(), null, plaintext.newHandler(http2));
                ctx.fireUserEventTriggered(negotiation);
            } else {
                ctx.fireUserEventTriggered(event);
            }
        }
    }
}
