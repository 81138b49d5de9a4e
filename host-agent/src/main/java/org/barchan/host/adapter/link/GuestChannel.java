package org.barchan.host.adapter.link;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Codec;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.DecompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.shaded.io.grpc.netty.InternalNettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.WriteBufferWaterMark;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.link.OutputHeader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gRPC channel to one guest. It connects when a call needs it, each time under a new epoch; calls wait for the guest to agree to
 * that, but not for a socket where nobody listens. Safe for use by many threads.
 */
final class GuestChannel implements LinkObserver, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(GuestChannel.class);

    private static final int MAX_METADATA = 8 << 10;
    private static final int MAX_MESSAGE = 512 << 10;
    /** For one stream, and for all of them. Output does not count: it has frames and a window of its own. */
    private static final int FLOW_CONTROL_WINDOW = 1 << 20;

    private static final WriteBufferWaterMark WRITE_BUFFER = new WriteBufferWaterMark(128 << 10, 256 << 10);
    private static final long FIRST_RETRY_MILLIS = 20;
    private static final long LAST_RETRY_MILLIS = 1_000;
    /** A guest that is asked for more than one answer has one at hand within this time. */
    private static final Duration IDLE = Duration.ofSeconds(60);

    /** A link that was up for so long worked; one that was not is tried again ever more slowly. */
    private static final long LIFE_NANOS = 1_000_000_000;

    private final SandboxId id;
    private final Path socket;
    private final EventLoopGroup eventLoops;
    private final ManagedChannel channel;
    private final Set<Consumer<String>> whenHopeless = ConcurrentHashMap.newKeySet();
    private final Map<Integer, OutputReceiver> outputs = new ConcurrentHashMap<>();
    private final AtomicInteger lastOutput = new AtomicInteger();
    private final AtomicLong retryMillis = new AtomicLong(FIRST_RETRY_MILLIS);
    private volatile @Nullable String hopeless;
    private volatile boolean leaving;
    private volatile boolean left;
    private volatile long upSince;

    GuestChannel(SandboxId id, Path socket, EventLoopGroup eventLoops) {
        this.id = id;
        this.socket = socket;
        this.eventLoops = eventLoops;
        GuestBudget budget = new GuestBudget(System::nanoTime);
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
                .eventLoopGroup(eventLoops)
                .withOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITE_BUFFER)
                .flowControlWindow(FLOW_CONTROL_WINDOW)
                .maxInboundMetadataSize(MAX_METADATA)
                .maxInboundMessageSize(MAX_MESSAGE)
                .decompressorRegistry(DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false))
                .overrideAuthority("guest")
                .userAgent("barchan")
                .disableRetry()
                .disableServiceConfigLookUp()
                .directExecutor();
        InternalNettyChannelBuilder.setProtocolNegotiatorFactory(builder, () -> new LinkNegotiator(this, budget));
        this.channel = builder.build();
    }

    /** Takes the output of one call. */
    @FunctionalInterface
    interface OutputReceiver {
        /** Called by the event loop; must not block. */
        void output(OutputHeader header, ByteString data);
    }

    /** Describes what is tried, for messages. */
    String describe(String action) {
        return "sandbox " + id + ": " + action;
    }

    /**
     * Calls the guest and returns what it answers.
     *
     * @param action what is tried, for example "configuring the guest"
     * @param deadline how long it may take
     */
    <Q, R> R call(MethodDescriptor<Q, R> method, Q request, String action, Duration deadline)
            throws SandboxException, InterruptedException {
        return call(method, request, action, deadline, MAX_MESSAGE);
    }

    /**
     * As {@link #call}, for an answer that takes much more memory than it has bytes.
     *
     * @param maxBytes a longer answer is refused before any of it is parsed
     */
    <Q, R> R call(MethodDescriptor<Q, R> method, Q request, String action, Duration deadline, int maxBytes)
            throws SandboxException, InterruptedException {
        try {
            return callOnce(method, request, action, options(deadline).withMaxInboundMessageSize(maxBytes), false);
        } catch (ExecutionException e) {
            throw GuestErrors.of(describe(action), Status.fromThrowable(e.getCause()));
        }
    }

    /**
     * As {@link #call}, but goes on under a new epoch when the link is lost: for what may be asked twice.
     *
     * @param deadline how long it may take in all; null for ever
     * @param mayBoot whether to go on trying while nobody listens
     */
    <Q, R> R callThroughLosses(
            MethodDescriptor<Q, R> method, Q request, String action, @Nullable Duration deadline, boolean mayBoot)
            throws SandboxException, InterruptedException {
        long started = System.nanoTime();
        for (LinkLosses losses = new LinkLosses(); ; ) {
            try {
                Duration left = deadline == null ? null : deadline.minusNanos(System.nanoTime() - started);
                return callOnce(method, request, action, options(left), mayBoot);
            } catch (ExecutionException e) {
                Status status = Status.fromThrowable(e.getCause());
                if (!GuestErrors.isLinkLoss(status) || isClosed() || !losses.another()) {
                    throw GuestErrors.of(describe(action), status);
                }
            }
        }
    }

    private <Q, R> R callOnce(
            MethodDescriptor<Q, R> method, Q request, String action, CallOptions options, boolean mayBoot)
            throws SandboxException, InterruptedException, ExecutionException {
        ListenableFuture<R> answer = ClientCalls.futureUnaryCall(channel.newCall(method, options), request);
        CompletableFuture<String> given = new CompletableFuture<>();
        Consumer<String> cancel = reason -> {
            given.complete(reason);
            answer.cancel(true);
        };
        if (!mayBoot) {
            watch(cancel);
        }
        try {
            return answer.get();
        } catch (CancellationException e) {
            throw lost(action, given.getNow("cancelled"));
        } catch (ExecutionException e) {
            String reason = hopeless;
            if (mayBoot && reason != null) {
                throw lost(action, reason);
            }
            throw e;
        } finally {
            answer.cancel(true);
            unwatch(cancel);
        }
    }

    /**
     * Calls the guest for any number of answers.
     *
     * @param action what is tried, for example "reading what was written to overlays"
     * @return the answers, to be read and closed by one thread
     */
    <Q, R> Stream<R> stream(MethodDescriptor<Q, R> method, Q request, String action) {
        return new Stream<>(this, method, request, action);
    }

    /** Begins a call with any number of requests. */
    <Q, R> BlockingClientCall<Q, R> upload(MethodDescriptor<Q, R> method, CallOptions options) {
        return ClientCalls.blockingBidiStreamingCall(channel, method, options);
    }

    /** Answers of a guest, one after the other. It is given up when it sends none for a while, or the link is lost. */
    static final class Stream<R> implements AutoCloseable {
        private final GuestChannel channel;
        private final String action;
        private final Context.CancellableContext context = Context.ROOT.withCancellation();
        private final CompletableFuture<String> given = new CompletableFuture<>();
        private final Consumer<String> cancel = this::cancel;
        private final BlockingClientCall<?, R> call;

        private <Q> Stream(GuestChannel channel, MethodDescriptor<Q, R> method, Q request, String action) {
            this.channel = channel;
            this.action = action;
            channel.watch(cancel);
            BlockingClientCall<Q, R> opened;
            try {
                opened = context.call(() -> ClientCalls.blockingV2ServerStreamingCall(
                        channel.channel, method, CallOptions.DEFAULT.withWaitForReady(), request));
            } catch (Exception e) {
                throw new IllegalStateException("opening a call", e);
            }
            call = opened;
        }

        private void cancel(String reason) {
            given.complete(reason);
            context.cancel(null);
        }

        /** Returns the next answer, or null behind the last one. */
        @Nullable R next() throws SandboxException, InterruptedException {
            try {
                return call.read(IDLE.toMillis(), MILLISECONDS);
            } catch (TimeoutException e) {
                throw new SandboxException(
                        SandboxException.Code.TIMEOUT,
                        channel.describe(action) + ": the guest has sent nothing for " + IDLE.toSeconds() + " s",
                        e);
            } catch (StatusException e) {
                throw failed(e);
            }
        }

        /** As {@link #next}, of a guest that may have nothing to say for as long as it likes. */
        @Nullable R await() throws SandboxException, InterruptedException {
            try {
                return call.read();
            } catch (StatusException e) {
                throw failed(e);
            }
        }

        private SandboxException failed(StatusException e) {
            return given.isDone()
                    ? channel.lost(action, given.join())
                    : GuestErrors.of(channel.describe(action), e.getStatus());
        }

        @Override
        public void close() {
            channel.unwatch(cancel);
            context.cancel(null);
        }
    }

    /** Returns a call that waits for the link. */
    <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, @Nullable Duration deadline) {
        return channel.newCall(method, options(deadline));
    }

    /**
     * As {@link #newCall}, for as long as it takes.
     *
     * @param readyBytes the call is ready for more while less than this waits to be sent
     */
    <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, int readyBytes) {
        return channel.newCall(method, options(null).withOnReadyThreshold(readyBytes));
    }

    private static CallOptions options(@Nullable Duration deadline) {
        CallOptions options = CallOptions.DEFAULT.withWaitForReady();
        return deadline == null ? options : options.withDeadlineAfter(deadline.toNanos(), NANOSECONDS);
    }

    /**
     * Calls something, on whatever thread, with the reason, when there is no hope that the guest answers; at once if that was so a
     * moment ago.
     */
    void watch(Consumer<String> action) {
        whenHopeless.add(action);
        String reason = hopeless;
        if (reason != null && channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
            action.accept(reason);
        }
    }

    void unwatch(Consumer<String> action) {
        whenHopeless.remove(action);
    }

    /** Has output sent to a receiver; returns the number that the guest is to put on it. */
    int openOutput(OutputReceiver receiver) {
        int number = lastOutput.incrementAndGet();
        outputs.put(number, receiver);
        return number;
    }

    /** What still comes for a number is dropped. */
    void closeOutput(int number) {
        outputs.remove(number);
    }

    @Override
    public boolean output(ByteBuffer payload) throws IOException {
        OutputHeader header = OutputHeader.read(payload);
        if (header.channel() < 1 || header.channel() > lastOutput.get()) {
            throw new HostileGuestException("the guest sent output that nobody has asked for");
        }
        OutputReceiver receiver = outputs.get(header.channel());
        if (receiver == null) {
            return false;
        }
        receiver.output(header, ByteString.copyFrom(payload));
        return true;
    }

    /** Returns the error for a call that was given up. */
    SandboxException lost(String action, String reason) {
        return new SandboxException(SandboxException.Code.LOST, describe(action) + " failed: " + reason);
    }

    boolean isClosed() {
        return channel.isShutdown();
    }

    /** Runs something that does not block after a while. */
    ScheduledFuture<?> schedule(Runnable action, Duration delay) {
        return eventLoops.schedule(action, delay.toMillis(), MILLISECONDS);
    }

    @Override
    public void unreachable(String reason) {
        giveUp("nobody listens at " + socket + " (" + reason + "); the virtual machine is gone");
        reconnectSoon();
    }

    @Override
    public void attacked(String reason) {
        failed(reason);
        giveUp("the link was closed because " + EscapedText.of(reason));
    }

    private void giveUp(String reason) {
        hopeless = reason;
        whenHopeless.forEach(action -> action.accept(reason));
    }

    @Override
    public void up() {
        hopeless = null;
        upSince = System.nanoTime();
    }

    @Override
    public void failed(String reason) {
        log.warn("sandbox {}: link closed: {}", id, EscapedText.of(reason));
    }

    @Override
    public void down() {
        if (System.nanoTime() - upSince > LIFE_NANOS) {
            retryMillis.set(FIRST_RETRY_MILLIS);
        }
        reconnectSoon();
    }

    /** gRPC's own pace, from one second upwards, is that of a network. */
    private void reconnectSoon() {
        long delay = retryMillis.getAndUpdate(millis -> Math.min(2 * millis, LAST_RETRY_MILLIS));
        if (!channel.isShutdown() && !eventLoops.isShuttingDown()) {
            ScheduledFuture<?> retry = schedule(channel::resetConnectBackoff, Duration.ofMillis(delay));
            assert retry != null;
        }
    }

    @Override
    public boolean awaitsGuestsEnd() {
        return leaving;
    }

    @Override
    public void left() {
        left = true;
    }

    /**
     * Ends what there is with the guest. No call may be under way.
     *
     * @throws SandboxException {@code TIMEOUT}, {@code LOST}: it has not said that it waits for the next host
     */
    void leave(Duration deadline) throws SandboxException, InterruptedException {
        leaving = true;
        channel.shutdown();
        boolean ended = channel.awaitTermination(deadline.toNanos(), NANOSECONDS);
        if (!left) {
            throw new SandboxException(
                    ended ? SandboxException.Code.LOST : SandboxException.Code.TIMEOUT,
                    describe("leaving the guest") + " failed: it has not said"
                            + (ended ? "" : " within " + deadline.toSeconds() + " s")
                            + " that it waits for the next host");
        }
    }

    /** Ends all calls. */
    @Override
    public void close() {
        leaving = false;
        channel.shutdownNow();
    }
}
