package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.ClientLostPolicy;
import org.barchan.v1.CreateSandboxRequest;
import org.barchan.v1.CreatedStart;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.Sandbox;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.SandboxState;
import org.barchan.v1.StdinClose;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class CreateEndpointTest {
    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final AgentServer server;
    private final EventLoopGroup clientLoop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;

    CreateEndpointTest(@TempDir Path directory) throws IOException {
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

    private SandboxServiceGrpc.SandboxServiceBlockingStub stub() {
        return SandboxServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private RunStart.Builder order(String name) {
        return RunStart.newBuilder()
                .setSandbox(SandboxSpec.newBuilder()
                        .setName(name)
                        .setRootDirectory(ByteString.copyFromUtf8(world.root().toString())))
                .setProcess(ProcessSpec.newBuilder().addArgv(ByteString.copyFromUtf8("cat")));
    }

    private Sandbox create(RunStart.Builder start) {
        return stub().createSandbox(
                        CreateSandboxRequest.newBuilder().setStart(start).build())
                .getSandbox();
    }

    private List<String> violations(RunStart.Builder start) throws Exception {
        StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, () -> create(start));
        return Objects.requireNonNull(StatusProto.fromThrowable(refused))
                .getDetails(0)
                .unpack(BadRequest.class)
                .getFieldViolationsList()
                .stream()
                .map(BadRequest.FieldViolation::getField)
                .toList();
    }

    private BlockingClientCall<RunRequest, RunResponse> start(String name, boolean detach) throws Exception {
        BlockingClientCall<RunRequest, RunResponse> call =
                ProcessServiceGrpc.newBlockingV2Stub(channel).run();
        assertTrue(call.write(RunRequest.newBuilder()
                .setCreated(CreatedStart.newBuilder().setSandbox(name).setDetach(detach))
                .build()));
        return call;
    }

    private static Status.Code failure(BlockingClientCall<RunRequest, RunResponse> call) throws Exception {
        try {
            while (call.read(10, TimeUnit.SECONDS) != null) {
                // What comes before it.
            }
            throw new AssertionError("it ended");
        } catch (StatusException e) {
            return e.getStatus().getCode();
        }
    }

    @Test
    void create_whatIsWrong_isNamed() throws Exception {
        assertEquals(List.of("start.process.argv"), violations(order("box").clearProcess()));
        assertEquals(List.of("start.sandbox.name"), violations(order("-")));
        assertEquals(
                List.of("start.client_lost_policy", "start.export_changes"),
                violations(order("box")
                        .setClientLostPolicy(ClientLostPolicy.CLIENT_LOST_POLICY_DELETE)
                        .setExportChanges(true)));
        assertEquals(List.of("start.await_half_close"), violations(order("box").setAwaitHalfClose(true)));
        assertEquals(
                List.of("start.client_lost_policy"),
                violations(order("box").setClientLostPolicyValue(4711)).subList(0, 1));
    }

    @Test
    void start_ofNone_isRefused() throws Exception {
        assertEquals(Status.Code.INVALID_ARGUMENT, failure(start("", false)));
        assertEquals(Status.Code.NOT_FOUND, failure(start("box", false)));
        BlockingClientCall<RunRequest, RunResponse> twice = start("box", false);
        assertEquals(Status.Code.NOT_FOUND, failure(twice));
    }

    @Test
    void created_isStartedOnce_withTheStreamsOfWhoStartsIt() throws Exception {
        Sandbox made = create(order("box"));
        assertEquals(SandboxState.SANDBOX_STATE_CREATED, made.getState());
        assertEquals("cat", made.getProcess().getArgv(0).toStringUtf8());
        BlockingClientCall<RunRequest, RunResponse> call = start(made.getId(), false);
        while (!Objects.requireNonNull(call.read(10, TimeUnit.SECONDS))
                .getProcess()
                .hasStarted()) {
            // What comes before it.
        }
        assertTrue(call.write(
                RunRequest.newBuilder().setStdin(ByteString.copyFromUtf8("in")).build()));
        assertTrue(call.write(RunRequest.newBuilder()
                .setStdinClose(StdinClose.getDefaultInstance())
                .build()));
        assertTrue(world.awaitStdinClosed());
        assertEquals("in", world.stdin());
        assertEquals(Status.Code.FAILED_PRECONDITION, failure(start("box", false)));
        world.processExits(5);
        RunResponse last = null;
        for (RunResponse next = call.read(10, TimeUnit.SECONDS); next != null; next = call.read(10, TimeUnit.SECONDS)) {
            last = next;
        }
        assertEquals(
                5, Objects.requireNonNull(last).getProcess().getTerminated().getExitCode());
        assertEquals(
                made.getCreateTime(),
                stub().getSandbox(
                                GetSandboxRequest.newBuilder().setSandbox("box").build())
                        .getSandbox()
                        .getCreateTime());
    }

    @Test
    void detachedStart_closesItsInput_unlessItWasToBeOpen() throws Exception {
        var _ = create(order("box"));
        BlockingClientCall<RunRequest, RunResponse> call = start("box", true);
        RunResponse last = null;
        for (RunResponse next = call.read(10, TimeUnit.SECONDS); next != null; next = call.read(10, TimeUnit.SECONDS)) {
            last = next;
        }
        assertTrue(Objects.requireNonNull(last).getProcess().hasStarted());
        assertTrue(world.awaitStdinClosed());
    }
}
