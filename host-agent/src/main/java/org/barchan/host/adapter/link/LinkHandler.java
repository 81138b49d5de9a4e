package org.barchan.host.adapter.link;

import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.channel.CoalescingBufferQueue;
import io.grpc.netty.shaded.io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import org.barchan.link.EpochReceiver;
import org.barchan.link.Frame;
import org.barchan.link.FrameDecoder;
import org.barchan.link.FrameEncoder;
import org.barchan.link.FrameType;
import org.barchan.link.LinkException;
import org.barchan.link.Padding;
import org.barchan.link.SynAckScanner;
import org.jspecify.annotations.Nullable;

/**
 * The host's end of the frame layer, for one epoch: agrees on it with the guest, then carries what comes from and goes to the
 * handlers behind it. Any byte that is wrong ends the epoch.
 */
// A promise carries the result of each; a write that fails closes the channel.
@SuppressWarnings("FutureReturnValueIgnored")
final class LinkHandler extends ByteToMessageDecoder implements ChannelOutboundHandler {
    /** Fired to the handlers behind. */
    enum Event {
        /** The guest has agreed to the epoch. */
        UP,
        /** The guest sends so many small pieces that it is to be read more slowly. */
        TOO_FAST
    }

    /** More than all the buffers between guest and host hold: a guest that sends so much of something else is not stale but bad. */
    private static final long MAX_STALE_BYTES = 16 << 20;

    private static final ByteBuffer NO_PAYLOAD = ByteBuffer.allocate(0);

    private final long epoch;
    private final LinkObserver observer;
    private final GuestBudget budget;
    private final SynAckScanner scanner;
    private final FrameDecoder decoder = new FrameDecoder();
    private final EpochReceiver receiver;

    private @Nullable CoalescingBufferQueue pending;
    private int sequence;
    private boolean up;
    private boolean dead;
    /** Not null: the host has ended the epoch, and waits for the guest to say so, too. */
    private @Nullable ChannelPromise leaving;

    LinkHandler(long epoch, LinkObserver observer, GuestBudget budget) {
        this.epoch = epoch;
        this.observer = observer;
        this.budget = budget;
        this.scanner = new SynAckScanner(epoch);
        this.receiver = new EpochReceiver(epoch);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        pending = new CoalescingBufferQueue(ctx.channel(), 16, true);
    }

    @Override
    public void connect(ChannelHandlerContext ctx, SocketAddress remote, SocketAddress local, ChannelPromise promise) {
        ctx.connect(remote, local, promise.unvoid().addListener(done -> {
            if (!done.isSuccess()) {
                observer.unreachable(String.valueOf(done.cause().getMessage()));
            }
        }));
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        ByteBuf padding = ctx.alloc().buffer(Padding.SIZE).writeZero(Padding.SIZE);
        ctx.write(padding);
        writeFrame(ctx, FrameType.SYN, NO_PAYLOAD, ctx.newPromise());
        ctx.flush();
        ctx.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        dead = true;
        failPending();
        if (leaving != null) {
            leaving.trySuccess();
        }
        observer.down();
        super.channelInactive(ctx);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws IOException {
        if (dead) {
            in.skipBytes(in.readableBytes());
            return;
        }
        int start = in.readerIndex();
        ByteBuffer bytes = in.nioBuffer();
        if (!up) {
            up = scanner.scan(bytes);
            in.readerIndex(start + bytes.position());
            if (up) {
                observer.up();
                ctx.fireUserEventTriggered(Event.UP);
            } else if (scanner.scannedBytes() > MAX_STALE_BYTES) {
                throw new HostileGuestException(
                        "the guest sent " + scanner.scannedBytes() + " bytes that do not answer the SYN");
            }
            return;
        }
        Frame frame = decoder.decode(bytes);
        if (decoder.discardedBytes() > 0) {
            throw new LinkException("the guest sent bytes that are no frame");
        }
        in.readerIndex(start + bytes.position());
        if (frame != null) {
            take(ctx, frame, in, out);
        }
    }

    private void take(ChannelHandlerContext ctx, Frame frame, ByteBuf in, List<Object> out) throws IOException {
        int size = frame.payload().remaining();
        boolean useful = frame.type() == FrameType.DATA || frame.type() == FrameType.OUTPUT;
        if (size == 0 || !useful || frame.epoch() != epoch) {
            charge();
        }
        if (!receiver.accept(frame)) {
            return;
        }
        switch (frame.type()) {
            case DATA -> {
                budget.carried(size);
                if (leaving == null) {
                    out.add(in.retainedSlice(in.readerIndex() - size, size));
                }
            }
            case OUTPUT -> {
                if (size < FrameGuard.TINY && !budget.takeTiny()) {
                    ctx.fireUserEventTriggered(Event.TOO_FAST);
                }
                if (observer.output(frame.payload())) {
                    budget.carried(size);
                } else {
                    charge();
                }
            }
            case PING -> {
                writeFrame(ctx, FrameType.PONG, frame.payload(), ctx.newPromise());
                ctx.flush();
            }
            case PONG -> {}
            case FIN -> {
                if (leaving == null) {
                    throw new LinkException("the guest ended the epoch");
                }
                dead = true;
                observer.left();
                ctx.close(leaving);
            }
            case SYN, SYN_ACK -> throw new LinkException("the guest sent a " + frame.type() + " inside of an epoch");
        }
    }

    private void charge() throws HostileGuestException {
        if (!budget.takeControl()) {
            throw new HostileGuestException("the guest sent too many frames without payload");
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!dead) {
            dead = true;
            endEpoch(ctx, observer, cause.getCause() instanceof IOException wrong ? wrong : cause);
        }
    }

    /** Ends the epoch, and tells the calls why. */
    static void endEpoch(ChannelHandlerContext ctx, LinkObserver observer, Throwable cause) {
        String reason = String.valueOf(cause.getMessage());
        if (cause instanceof HostileGuestException) {
            observer.attacked(reason);
        } else {
            observer.failed(reason);
        }
        ctx.fireExceptionCaught(Status.UNAVAILABLE.withDescription(reason).asRuntimeException());
        ctx.close();
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        ByteBuf bytes = (ByteBuf) message;
        if (dead || leaving != null || pending == null) {
            bytes.release();
            promise.tryFailure(lost());
        } else {
            pending.add(bytes, promise);
        }
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        writePending(ctx);
        ctx.flush();
    }

    /** What was written since the last flush goes into as few frames as can be. */
    private void writePending(ChannelHandlerContext ctx) {
        while (up && !dead && pending != null && !pending.isEmpty()) {
            ChannelPromise promise = ctx.newPromise();
            ByteBuf payload = pending.remove(Math.min(pending.readableBytes(), FrameEncoder.MAX_PAYLOAD), promise);
            try {
                if (payload.isReadable()) {
                    budget.carried(payload.readableBytes());
                    writeFrame(ctx, FrameType.DATA, payload.nioBuffer(), promise);
                } else {
                    promise.setSuccess();
                }
            } finally {
                payload.release();
            }
        }
    }

    private void writeFrame(ChannelHandlerContext ctx, FrameType type, ByteBuffer payload, ChannelPromise promise) {
        int size = FrameEncoder.HEADER_SIZE + payload.remaining();
        ByteBuf frame = ctx.alloc().buffer(size);
        FrameEncoder.encode(type, epoch, sequence++, payload, frame.nioBuffer(0, size));
        ctx.write(frame.writerIndex(size), promise);
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        boolean guestIsThere = up && !dead && leaving == null && ctx.channel().isActive();
        if (guestIsThere) {
            writePending(ctx);
            writeFrame(ctx, FrameType.FIN, NO_PAYLOAD, ctx.newPromise());
            ctx.flush();
        }
        if (guestIsThere && observer.awaitsGuestsEnd()) {
            leaving = promise;
        } else {
            dead = true;
            ctx.close(promise);
        }
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext ctx) {
        failPending();
    }

    private void failPending() {
        if (pending != null && !pending.isEmpty()) {
            pending.releaseAndFailAll(lost());
        }
    }

    @Override
    public void bind(ChannelHandlerContext ctx, SocketAddress local, ChannelPromise promise) {
        ctx.bind(local, promise);
    }

    @Override
    public void disconnect(ChannelHandlerContext ctx, ChannelPromise promise) {
        ctx.disconnect(promise);
    }

    @Override
    public void deregister(ChannelHandlerContext ctx, ChannelPromise promise) {
        ctx.deregister(promise);
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
        ctx.read();
    }

    /** Not netty's own exception for this, which gRPC takes for something unknown. */
    private static Exception lost() {
        return Status.UNAVAILABLE.withDescription("the link was lost").asException();
    }
}
