package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.SandboxConnection;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.ClientLostPolicy;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ConnectStart;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.PortServiceGrpc;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxSpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections over a real unix socket; whoever listens in the fake sandbox returns what it gets, and at port 1 nobody does. */
@Timeout(60)
final class PortEndpointTest {
    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final Path socket;
    private final AgentServer server;
    private final EventLoopGroup clientLoop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;

    PortEndpointTest(@TempDir Path directory) throws IOException {
        world = new FakeHypervisor(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        socket = directory.resolve("agent.sock");
        int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        server = AgentServer.listen(
                socket,
                Set.of(uid),
                new CallGate(),
                new AgentServer.Services(sandboxes, "1.2.3", directory.resolve("state")));
        channel = channel();
    }

    private ManagedChannel channel() {
        return NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(clientLoop)
                .usePlaintext()
                .build();
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow();
        channel.awaitTermination(10, TimeUnit.SECONDS);
        server.close();
        var _ = clientLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private BlockingClientCall<ConnectRequest, ConnectResponse> connect() {
        return PortServiceGrpc.newBlockingV2Stub(channel).connect();
    }

    private BlockingClientCall<ConnectRequest, ConnectResponse> connect(ConnectStart.Builder start) throws Exception {
        var call = connect();
        call.write(ConnectRequest.newBuilder().setStart(start).build());
        return call;
    }

    private static ConnectStart.Builder box(int port) {
        return ConnectStart.newBuilder().setSandbox("box").setTcpPort(port);
    }

    private static ConnectRequest data(int size) {
        return ConnectRequest.newBuilder()
                .setData(ByteString.copyFrom(new byte[size]))
                .build();
    }

    private static Status failure(BlockingClientCall<ConnectRequest, ConnectResponse> call) throws Exception {
        try {
            for (ConnectResponse response = call.read(10, TimeUnit.SECONDS);
                    response != null;
                    response = call.read(10, TimeUnit.SECONDS)) {
                assertTrue(response.hasConnected(), response.toString());
            }
            throw new AssertionError("it ended in order");
        } catch (StatusException e) {
            return e.getStatus();
        }
    }

    private BlockingClientCall<RunRequest, RunResponse> sandbox() throws Exception {
        var call = ProcessServiceGrpc.newBlockingV2Stub(channel).run();
        call.write(RunRequest.newBuilder()
                .setStart(RunStart.newBuilder()
                        .setSandbox(SandboxSpec.newBuilder()
                                .setName("box")
                                .setRootDirectory(
                                        ByteString.copyFromUtf8(world.root().toString())))
                        .setProcess(ProcessSpec.newBuilder().addArgv(ByteString.copyFromUtf8("cat")))
                        .setClientLostPolicy(ClientLostPolicy.CLIENT_LOST_POLICY_DELETE))
                .build());
        while (!Objects.requireNonNull(call.read(10, TimeUnit.SECONDS))
                .getProcess()
                .hasStarted()) {
            // It has more to say before.
        }
        return call;
    }

    @Test
    void start_missing_isInvalid() throws Exception {
        var first = connect();
        first.write(data(1));
        assertEquals(Status.Code.INVALID_ARGUMENT, failure(first).getCode());
        var none = connect();
        none.halfClose();
        assertEquals(Status.Code.INVALID_ARGUMENT, failure(none).getCode());
        assertEquals(
                Status.Code.INVALID_ARGUMENT,
                failure(connect(ConnectStart.newBuilder())).getCode());
    }

    @Test
    void listen_tellsThePort_andWhoConnects_whoIsTaken() throws Exception {
        var run = sandbox();
        var listening = PortServiceGrpc.newBlockingV2Stub(channel).listen(listen("box", 80));
        assertEquals(
                80, Objects.requireNonNull(listening.read(10, TimeUnit.SECONDS)).getTcpPort());
        long id = Objects.requireNonNull(listening.read(10, TimeUnit.SECONDS)).getAcceptedConnection();
        var call = connect(ConnectStart.newBuilder().setSandbox("box").setAcceptedConnection(id));
        assertTrue(Objects.requireNonNull(call.read(10, TimeUnit.SECONDS)).hasConnected());
        call.write(data(5));
        assertEquals(
                5,
                Objects.requireNonNull(call.read(10, TimeUnit.SECONDS))
                        .getData()
                        .size());
        listening.cancel("enough", null);
        run.cancel("enough", null);
    }

    @Test
    void listen_thatCanNotBe_saysWhy() throws Exception {
        assertEquals(Status.Code.NOT_FOUND, listenFailure("box", 80).getCode());
        var run = sandbox();
        assertEquals(Status.Code.FAILED_PRECONDITION, listenFailure("box", 81).getCode());
        Status wrong = listenFailure("box", 65536);
        assertEquals(Status.Code.INVALID_ARGUMENT, wrong.getCode());
        assertEquals("tcp_port: 65536 (expected: 0 to 65535)", wrong.getDescription());
        run.cancel("enough", null);
    }

    private static ListenRequest listen(String sandbox, int port) {
        return ListenRequest.newBuilder().setSandbox(sandbox).setTcpPort(port).build();
    }

    private Status listenFailure(String sandbox, int port) {
        var listening = PortServiceGrpc.newBlockingV2Stub(channel).listen(listen(sandbox, port));
        return assertThrows(StatusException.class, () -> listening.read(10, TimeUnit.SECONDS))
                .getStatus();
    }

    @Test
    void start_thatIsWrong_namesTheField() throws Exception {
        assertEquals(
                "start.address: not set (expected: tcp_port, udp_port, unix_path or accepted_connection); start.sandbox: empty (expected: an id or a name)",
                failure(connect(ConnectStart.newBuilder())).getDescription());
        assertEquals(
                "start.tcp_port: 65536 (expected: a port from 1 to 65535)",
                failure(connect(box(65536))).getDescription());
        assertEquals(
                "start.unix_path: 'run/x' (expected: an absolute path)",
                failure(connect(ConnectStart.newBuilder()
                                .setSandbox("box")
                                .setUnixPath(ByteString.copyFromUtf8("run/x"))))
                        .getDescription());
    }

    @Test
    void sandbox_thatIsNone_isNotFound() throws Exception {
        assertEquals(Status.Code.NOT_FOUND, failure(connect(box(80))).getCode());
    }

    @Test
    void data_tooLarge_startTwice_areInvalid() throws Exception {
        var run = sandbox();
        var large = connect(box(80));
        large.write(data(64 * 1024 + 1));
        assertEquals(Status.Code.INVALID_ARGUMENT, failure(large).getCode());
        var twice = connect(box(80));
        twice.write(ConnectRequest.newBuilder().setStart(box(80)).build());
        assertEquals(Status.Code.INVALID_ARGUMENT, failure(twice).getCode());
        run.cancel("done", null);
    }

    @Test
    void port_thatNobodyListensAt_isFailedPrecondition() throws Exception {
        var run = sandbox();
        Status status = failure(connect(box(1)));
        assertEquals(Status.Code.FAILED_PRECONDITION, status.getCode());
        assertEquals("connection refused", status.getDescription());
        run.cancel("done", null);
    }

    @Test
    void moreConnectionsThanMayBe_areRefused() throws Exception {
        var run = sandbox();
        ManagedChannel[] channels = {channel(), channel()};
        for (int i = 0; i < SandboxConnection.MAX_OF_SANDBOX; i++) {
            var call = PortServiceGrpc.newBlockingV2Stub(channels[i % 2]).connect();
            call.write(ConnectRequest.newBuilder().setStart(box(80)).build());
            assertTrue(Objects.requireNonNull(call.read(10, TimeUnit.SECONDS)).hasConnected());
        }
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, failure(connect(box(80))).getCode());
        for (ManagedChannel full : channels) {
            full.shutdownNow();
        }
        run.cancel("done", null);
    }

    @Test
    void bytes_goBothWays_untilBothHaveEnded() throws Exception {
        var run = sandbox();
        var call = connect(box(80));
        assertTrue(Objects.requireNonNull(call.read(10, TimeUnit.SECONDS)).hasConnected());
        for (int i = 1; i <= 20; i++) {
            call.write(data(i * 1000));
            assertEquals(
                    i * 1000,
                    Objects.requireNonNull(call.read(10, TimeUnit.SECONDS))
                            .getData()
                            .size());
        }
        call.halfClose();
        assertTrue(Objects.requireNonNull(call.read(10, TimeUnit.SECONDS)).hasEnd());
        assertEquals(null, call.read(10, TimeUnit.SECONDS));
        run.cancel("done", null);
    }

    @Test
    void whoIsNotRead_takesNoMore() throws Exception {
        var run = sandbox();
        var call = connect(box(80));
        long sent = 0;
        try {
            while (sent < 64 << 20) {
                if (!call.write(data(64 * 1024), 2, TimeUnit.SECONDS)) {
                    throw new AssertionError("it is over");
                }
                sent += 64 * 1024;
            }
            throw new AssertionError("all of it is taken, though nobody reads");
        } catch (TimeoutException e) {
            assertTrue(sent < 16 << 20, sent + " bytes were taken");
        }
        call.cancel("done", null);
        run.cancel("done", null);
    }
}
