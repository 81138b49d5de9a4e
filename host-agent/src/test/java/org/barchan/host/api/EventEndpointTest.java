package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.EventServiceGrpc;
import org.barchan.v1.EventType;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class EventEndpointTest {
    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final AgentServer server;
    private final EventLoopGroup clientLoop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;

    EventEndpointTest(@TempDir Path directory) throws IOException {
        world = new FakeHypervisor(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        Path socket = directory.resolve("agent.sock");
        int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        server = AgentServer.listen(
                socket,
                Set.of(uid),
                new CallGate(),
                new AgentServer.Services(sandboxes, "1.2.3", directory.resolve("state")));
        channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(clientLoop)
                .usePlaintext()
                .build();
    }

    @AfterEach
    void close() {
        channel.shutdownNow();
        server.close();
        var _ = clientLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private Iterator<WatchEventsResponse> watch(WatchEventsRequest.Builder request) {
        return EventServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .watchEvents(request.build());
    }

    private void assertFails(Status.Code code, String message, WatchEventsRequest.Builder request) {
        Status status = assertThrows(
                        StatusRuntimeException.class, () -> watch(request).next())
                .getStatus();
        assertEquals(code, status.getCode());
        assertTrue(String.valueOf(status.getDescription()).contains(message), status::toString);
    }

    @Test
    void watch_badFields_areNamed() {
        assertFails(
                Status.Code.INVALID_ARGUMENT,
                "cursor: 'x'",
                WatchEventsRequest.newBuilder().setCursor("x"));
        assertFails(
                Status.Code.INVALID_ARGUMENT,
                "since: 0 s -1 ns",
                WatchEventsRequest.newBuilder().setSince(Timestamp.newBuilder().setNanos(-1)));
        assertFails(
                Status.Code.INVALID_ARGUMENT,
                "until: ",
                WatchEventsRequest.newBuilder().setUntil(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)));
        assertFails(
                Status.Code.INVALID_ARGUMENT,
                "types[1]: 4711",
                WatchEventsRequest.newBuilder()
                        .addTypes(EventType.EVENT_TYPE_SANDBOX_ENDED)
                        .addTypesValue(4711));
        WatchEventsRequest.Builder many = WatchEventsRequest.newBuilder();
        for (int i = 0; i <= 100; i++) {
            many.addSandboxes("box" + i);
        }
        assertFails(Status.Code.INVALID_ARGUMENT, "sandboxes: 101", many);
    }

    @Test
    void watch_unknownCursor_isOutOfRange() {
        assertFails(
                Status.Code.OUT_OF_RANGE,
                "not kept any more",
                WatchEventsRequest.newBuilder().setCursor("00000000-5"));
    }

    @Test
    void watch_fromACursor_getsWhatComesBehindIt_untilTheAgentStops() throws Exception {
        Iterator<WatchEventsResponse> all = watch(WatchEventsRequest.newBuilder());
        WatchEventsResponse position = all.next();
        assertFalse(position.hasEvent());
        assertFalse(all.hasNext());
        world.runKept(sandboxes);

        Iterator<WatchEventsResponse> events = watch(
                WatchEventsRequest.newBuilder().setCursor(position.getCursor()).setFollow(true));
        assertEquals(position, events.next());
        WatchEventsResponse created = events.next();
        assertEquals(EventType.EVENT_TYPE_SANDBOX_CREATED, created.getEvent().getType());
        assertEquals("kept", created.getEvent().getSandboxName());
        WatchEventsResponse running = events.next();
        assertEquals(EventType.EVENT_TYPE_SANDBOX_RUNNING, running.getEvent().getType());

        Iterator<WatchEventsResponse> again =
                watch(WatchEventsRequest.newBuilder().setCursor(created.getCursor()));
        assertFalse(again.next().hasEvent());
        assertEquals(running, again.next());
        assertFalse(again.hasNext());
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(
                Status.Code.UNAVAILABLE,
                assertThrows(StatusRuntimeException.class, () -> {
                            while (events.hasNext()) {
                                var _ = events.next();
                            }
                        })
                        .getStatus()
                        .getCode());
    }
}
