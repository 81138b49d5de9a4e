package org.barchan.host.adapter.link;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Bounds what a hostile HTTP/2 server can make its client do. Looks at frame headers alone (RFC 9113), and lets the frames through:
 *
 * <ul>
 *   <li>frames that carry no data, and empty or padded ones, have a budget; beyond it the connection is closed;
 *   <li>tiny data frames have one too; beyond it reading pauses, since an honest process may write single bytes;
 *   <li>header blocks and settings are bounded, and the text of a GOAWAY is cut off;
 *   <li>while the guest does not take what is sent to it, nothing of it is read: answers to its pings can't pile up.
 * </ul>
 */
final class FrameGuard extends ByteToMessageDecoder {
    private static final int HEADER_SIZE = 9;
    /** What HTTP/2 begins with, and gRPC never raises. */
    private static final int MAX_FRAME = 16_384;

    private static final int MAX_HEADER_BLOCK = 16_384;
    private static final int MAX_CONTINUATIONS = 8;
    private static final int MAX_SETTINGS = 32 * 6;
    /** Bytes below which a piece of something is next to nothing. */
    static final int TINY = 256;

    private static final long PAUSE_MILLIS = 20;

    private static final int DATA = 0x0;
    private static final int HEADERS = 0x1;
    private static final int SETTINGS = 0x4;
    private static final int GOAWAY = 0x7;
    private static final int CONTINUATION = 0x9;
    private static final int PADDED = 0x8;
    private static final int GOAWAY_WITHOUT_TEXT = 8;

    private final LinkObserver observer;
    private final GuestBudget budget;

    private int passing;
    private int dropping;
    private int headerBlock;
    private int continuations;
    private boolean paused;
    private boolean dead;

    FrameGuard(LinkObserver observer, GuestBudget budget) {
        this.observer = observer;
        this.budget = budget;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws HostileGuestException {
        if (dead) {
            in.skipBytes(in.readableBytes());
        } else if (passing > 0) {
            int size = Math.min(passing, in.readableBytes());
            out.add(in.readRetainedSlice(size));
            passing -= size;
        } else if (dropping > 0) {
            int size = Math.min(dropping, in.readableBytes());
            in.skipBytes(size);
            dropping -= size;
        } else if (in.readableBytes() >= HEADER_SIZE) {
            next(ctx, in, out);
        }
    }

    private void next(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws HostileGuestException {
        int length = in.getUnsignedMedium(in.readerIndex());
        int type = in.getUnsignedByte(in.readerIndex() + 3);
        int flags = in.getUnsignedByte(in.readerIndex() + 4);
        if (type == GOAWAY) {
            cutGoAway(in, out, length);
            return;
        }
        check(ctx, length, type, flags);
        int size = Math.min(HEADER_SIZE + length, in.readableBytes());
        out.add(in.readRetainedSlice(size));
        passing = HEADER_SIZE + length - size;
    }

    private void check(ChannelHandlerContext ctx, int length, int type, int flags) throws HostileGuestException {
        require(length <= MAX_FRAME, "an HTTP/2 frame of " + length + " bytes (expected: at most " + MAX_FRAME + ")");
        if (type == DATA && length >= TINY && (flags & PADDED) == 0) {
            return;
        }
        if (type == DATA && length > 0 && (flags & PADDED) == 0) {
            if (!budget.takeTiny()) {
                pause(ctx);
            }
            return;
        }
        require(budget.takeControl(), "too many HTTP/2 frames without data (the last of type " + type + ")");
        switch (type) {
            case HEADERS -> {
                headerBlock = length;
                continuations = 0;
            }
            case CONTINUATION -> {
                headerBlock += length;
                continuations++;
                require(
                        headerBlock <= MAX_HEADER_BLOCK && continuations <= MAX_CONTINUATIONS,
                        "HTTP/2 headers of more than " + MAX_HEADER_BLOCK + " bytes or " + MAX_CONTINUATIONS
                                + " parts");
            }
            case SETTINGS -> require(length <= MAX_SETTINGS, "HTTP/2 settings of " + length + " bytes");
            default -> {}
        }
    }

    /** The text of a GOAWAY would end up in messages and logs. */
    private void cutGoAway(ByteBuf in, List<Object> out, int length) throws HostileGuestException {
        require(length >= GOAWAY_WITHOUT_TEXT && length <= MAX_FRAME, "an HTTP/2 GOAWAY of " + length + " bytes");
        if (in.readableBytes() < HEADER_SIZE + GOAWAY_WITHOUT_TEXT) {
            return;
        }
        require(budget.takeControl(), "too many HTTP/2 frames without data (the last a GOAWAY)");
        ByteBuf cut = in.readBytes(HEADER_SIZE + GOAWAY_WITHOUT_TEXT);
        out.add(cut.setMedium(0, GOAWAY_WITHOUT_TEXT));
        dropping = length - GOAWAY_WITHOUT_TEXT;
    }

    private static void require(boolean holds, String what) throws HostileGuestException {
        if (!holds) {
            throw new HostileGuestException("the guest sent " + what);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause.getCause() instanceof HostileGuestException wrong)) {
            ctx.fireExceptionCaught(cause);
        } else if (!dead) {
            dead = true;
            LinkHandler.endEpoch(ctx, observer, wrong);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) throws Exception {
        readOrNot(ctx);
        super.channelWritabilityChanged(ctx);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
        if (event == LinkHandler.Event.TOO_FAST) {
            pause(ctx);
        } else {
            super.userEventTriggered(ctx, event);
        }
    }

    private void pause(ChannelHandlerContext ctx) {
        if (!paused) {
            paused = true;
            readOrNot(ctx);
            var _ = ctx.executor()
                    .schedule(
                            () -> {
                                paused = false;
                                readOrNot(ctx);
                            },
                            PAUSE_MILLIS,
                            TimeUnit.MILLISECONDS);
        }
    }

    private void readOrNot(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(!paused && ctx.channel().isWritable());
    }
}
