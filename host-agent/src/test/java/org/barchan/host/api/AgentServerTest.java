package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.Accelerator;
import org.barchan.v1.BuildTemplateRequest;
import org.barchan.v1.BuildTemplateResponse;
import org.barchan.v1.ClientLostPolicy;
import org.barchan.v1.DeleteSandboxRequest;
import org.barchan.v1.DiagnoseRequest;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.ExecStart;
import org.barchan.v1.GetNodeRequest;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.ListTemplatesRequest;
import org.barchan.v1.MountMode;
import org.barchan.v1.NodeServiceGrpc;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.PruneTemplatesRequest;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxFilter;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.SandboxState;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.SignalRequest;
import org.barchan.v1.StdinClose;
import org.barchan.v1.Template;
import org.barchan.v1.TemplateKind;
import org.barchan.v1.TemplateServiceGrpc;
import org.barchan.v1.Terminal;
import org.barchan.v1.TerminalSize;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The services over a real unix socket, real stubs at its other end; only the world below the use cases is fake. */
@Timeout(60)
final class AgentServerTest {
    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final CallGate gate = new CallGate();
    private final Path socket;
    private final AgentServer server;
    private final EventLoopGroup clientLoop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;

    AgentServerTest(@TempDir Path directory) throws IOException {
        world = new FakeHypervisor(directory).withTemplates();
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        socket = directory.resolve("agent.sock");
        Files.writeString(socket, "left by another");
        server = listen(socket, Set.of(myUid()));
        channel = channel(socket);
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow();
        channel.awaitTermination(10, TimeUnit.SECONDS);
        server.close();
        var _ = clientLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void call_userWhoIsNotAllowed_isRefused() throws Exception {
        Path other = socket.resolveSibling("other.sock");
        ManagedChannel refused = channel(other);
        try (AgentServer closed = listen(other, Set.of(myUid() + 1))) {
            var stub = NodeServiceGrpc.newBlockingStub(refused).withDeadlineAfter(10, TimeUnit.SECONDS);

            assertEquals(
                    Status.Code.PERMISSION_DENIED,
                    assertThrows(StatusRuntimeException.class, () -> stub.getNode(GetNodeRequest.getDefaultInstance()))
                            .getStatus()
                            .getCode());
            closed.stopListening();
            assertFalse(Files.exists(other));
        } finally {
            refused.shutdownNow();
        }
    }

    @Test
    void list_badFilter_isInvalid_andNamed() {
        StatusRuntimeException e = assertThrows(
                StatusRuntimeException.class,
                () -> SandboxServiceGrpc.newBlockingStub(channel)
                        .listSandboxes(ListSandboxesRequest.newBuilder()
                                .setFilter(SandboxFilter.newBuilder().addNames(""))
                                .build()));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        assertTrue(String.valueOf(e.getMessage()).contains("filter.names[0]"), e::toString);
    }

    @Test
    void run_startMissing_isInvalid() throws Exception {
        var call = run();
        call.write(
                RunRequest.newBuilder().setStdin(ByteString.copyFromUtf8("x")).build());

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
    }

    @Test
    void run_halfClosedWithoutStart_isInvalid() throws Exception {
        var call = run();
        call.halfClose();

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
    }

    @Test
    void run_emptyRequest_isInvalid() throws Exception {
        var call = run();
        call.write(RunRequest.getDefaultInstance());

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
    }

    @Test
    void run_startTwice_isInvalidAndDestroys() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        call.write(start("box"));

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
        deleteAll();
    }

    @Test
    void run_trailers_sayWhenWhatWasReached() throws Exception {
        AtomicReference<Metadata> trailers = new AtomicReference<>();
        var call = ProcessServiceGrpc.newBlockingV2Stub(channel)
                .withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers))
                .run();
        call.write(start("box"));
        awaitStarted(call);
        world.processExits(0);
        var _ = rest(call);

        String timing = String.valueOf(Objects.requireNonNull(trailers.get()).get(CallTiming.TRAILER));
        assertEquals(
                "prepared=N,machine=N,guest=N,guest: mount a b  c=N,configured=N,started=N,ended=N",
                timing.replaceAll("[0-9]+", "N"));
    }

    @Test
    void run_badSignal_isInvalid() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        call.write(signal(65));

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
        deleteAll();
    }

    @Test
    void run_sizeOfATerminalThatIsNot_isInvalid() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        call.write(resize(24, 80));

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
        deleteAll();
    }

    @Test
    void run_sizeOfNoTerminal_isInvalid() throws Exception {
        for (RunRequest request : List.of(resize(65536, 80), resize(24, -1))) {
            var call = run();
            RunRequest.Builder start = start("box").toBuilder();
            start.getStartBuilder().getProcessBuilder().setTerminal(Terminal.getDefaultInstance());
            call.write(start.build());
            awaitStarted(call);
            call.write(resize(24, 80));
            call.write(request);

            assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
            deleteAll();
        }
    }

    @Test
    void run_execThatIsWrong_namesEachField() throws Exception {
        var call = run();
        call.write(
                RunRequest.newBuilder().setExec(ExecStart.getDefaultInstance()).build());
        io.grpc.StatusException e = assertThrows(io.grpc.StatusException.class, () -> call.read(10, TimeUnit.SECONDS));

        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        assertTrue(String.valueOf(e.getMessage()).contains("exec.process.argv"), e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains("exec.sandbox"), e::toString);
    }

    @Test
    void run_execWhereThereIsNone_isNotFound() throws Exception {
        var call = run();
        call.write(RunRequest.newBuilder()
                .setExec(ExecStart.newBuilder()
                        .setSandbox("none")
                        .setProcess(ProcessSpec.newBuilder().addArgv(ByteString.copyFromUtf8("ls"))))
                .build());

        assertEquals(Status.Code.NOT_FOUND, failure(call));
    }

    @Test
    void run_stdinTooLarge_isInvalid() throws Exception {
        var call = run();
        call.write(start("box"));
        call.write(RunRequest.newBuilder()
                .setStdin(ByteString.copyFrom(new byte[64 * 1024 + 1]))
                .build());

        assertEquals(Status.Code.INVALID_ARGUMENT, failure(call));
        deleteAll();
    }

    @Test
    void run_nameTaken_isAlreadyExists() throws Exception {
        var first = run();
        first.write(start("box"));
        awaitStarted(first);
        var second = run();
        second.write(start("box"));

        assertEquals(Status.Code.ALREADY_EXISTS, failure(second));
        deleteAll();
    }

    @Test
    void run_hostLacksSomething_isFailedPrecondition() throws Exception {
        world.failStart();
        var call = run();
        call.write(start("box"));

        assertEquals(Status.Code.FAILED_PRECONDITION, failure(call));
    }

    @Test
    void run_command_streamsAllAndEndsOk() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        call.write(RunRequest.newBuilder()
                .setStdin(ByteString.copyFromUtf8("input"))
                .build());
        call.write(RunRequest.newBuilder()
                .setStdinClose(StdinClose.getDefaultInstance())
                .build());
        assertTrue(world.awaitStdinClosed());
        assertEquals("input", world.stdin());
        world.processWrites("output", 0);
        world.processExits(42);

        List<ProcessEvent> events = rest(call);
        assertEquals("output", events.getFirst().getOutput().getData().toStringUtf8());
        assertEquals(42, events.getLast().getTerminated().getExitCode());
    }

    @Test
    void run_clientThatDoesNotRead_holdsTheProcessBack() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        String block = "x".repeat(64 * 1024);
        int blocks = 256;
        for (int i = 0; i < blocks; i++) {
            world.processWrites(block, (long) i * block.length());
        }
        world.processExits(0);

        // The agent has stopped taking output long before the end: what gRPC buffers is bounded.
        assertTrue(world.awaitTakenAtLeast(4));
        assertTrue(world.untaken() > blocks / 2, () -> world.untaken() + " not taken");
        long bytes = rest(call).stream()
                .mapToLong(e -> e.getOutput().getData().size())
                .sum();
        assertEquals((long) blocks * block.length(), bytes);
    }

    @Test
    void run_stdinThatIsNotRead_isNotTaken() throws Exception {
        world.blockStdin();
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        RunRequest block = RunRequest.newBuilder()
                .setStdin(ByteString.copyFrom(new byte[64 * 1024]))
                .build();
        AtomicInteger sent = new AtomicInteger();
        assertThrows(TimeoutException.class, () -> {
            while (sent.getAndIncrement() < 1000) {
                call.write(block, 1, TimeUnit.SECONDS);
            }
        });

        assertTrue(sent.get() < 100, sent + " blocks taken");
        // A signal overtakes it by the other way.
        var _ = ProcessServiceGrpc.newBlockingStub(channel)
                .signalProcess(SignalProcessRequest.newBuilder()
                        .setSandbox("box")
                        .setSignal(2)
                        .build());
        assertEquals(List.of("2 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), world.signals());
        call.cancel("done", null);
        deleteAll();
    }

    @Test
    void run_cancelled_destroys() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);
        call.cancel("test", null);

        assertTrue(world.awaitDestroyed());
        deleteAll();
    }

    @Test
    void sandboxes_live_areListedFoundAndDeleted() throws Exception {
        var stub = SandboxServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
        var call = run();
        call.write(start("box"));
        awaitStarted(call);

        var listed = stub.listSandboxes(ListSandboxesRequest.getDefaultInstance());
        assertEquals(1, listed.getSandboxesCount());
        assertEquals("box", listed.getSandboxes(0).getName());
        assertEquals(SandboxState.SANDBOX_STATE_RUNNING, listed.getSandboxes(0).getState());
        String id = listed.getSandboxes(0).getId();
        assertEquals(
                id,
                stub.getSandbox(GetSandboxRequest.newBuilder().setSandbox("box").build())
                        .getSandbox()
                        .getId());
        var delete = DeleteSandboxRequest.newBuilder().setSandbox(id).build();
        var _ = stub.deleteSandbox(delete);
        assertTrue(rest(call).getLast().getTerminated().hasLost());
        assertEquals(
                Status.Code.NOT_FOUND,
                assertThrows(StatusRuntimeException.class, () -> stub.deleteSandbox(delete))
                        .getStatus()
                        .getCode());
    }

    @Test
    void node_healthAndDiagnosis_answer() {
        var node = NodeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);

        assertEquals(
                ProcessHandle.current().pid(),
                node.getNode(GetNodeRequest.getDefaultInstance()).getAgentPid());
        List<String> checks = new ArrayList<>();
        node.diagnose(DiagnoseRequest.getDefaultInstance()).forEachRemaining(r -> checks.add(r.getCheck()));
        assertEquals(
                List.of(
                        "host architecture",
                        "libvirt",
                        "qemu",
                        "kernels",
                        "guest init",
                        "runtime directory",
                        "state directory",
                        "boot files",
                        "kvm",
                        "guest boot"),
                checks);
        assertEquals(
                HealthCheckResponse.ServingStatus.SERVING,
                HealthGrpc.newBlockingStub(channel)
                        .check(HealthCheckRequest.getDefaultInstance())
                        .getStatus());
    }

    @Test
    void diagnose_cancelled_endsTheTrial() throws Exception {
        world.silenceGuests();
        var call = NodeServiceGrpc.newBlockingV2Stub(channel).diagnose(DiagnoseRequest.getDefaultInstance());
        String check = "";
        while (!check.equals("kvm")) {
            DiagnoseResponse response = call.read(10, TimeUnit.SECONDS);
            check = response == null ? "kvm" : response.getCheck();
        }
        assertTrue(world.awaitAsked());

        call.cancel("test", null);

        assertTrue(world.awaitDestroyed());
    }

    @Test
    void buildTemplate_ofNonsense_namesTheFields() {
        SandboxSpec spec =
                SandboxSpec.newBuilder().setMemoryBytes(1).setVcpus(256).build();

        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> build(spec));

        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        String message = String.valueOf(e.getStatus().getDescription());
        assertTrue(message.contains("sandbox.memory_bytes: ") && message.contains("; sandbox.vcpus: 256"), message);
        assertFalse(message.contains("start."), message);
    }

    @Test
    void buildTemplate_thatFails_saysHow() {
        world.failStart();

        StatusRuntimeException e =
                assertThrows(StatusRuntimeException.class, () -> build(SandboxSpec.getDefaultInstance()));

        assertEquals(Status.Code.FAILED_PRECONDITION, e.getStatus().getCode());
    }

    @Test
    void buildTemplate_cancelled_leavesNothing() throws Exception {
        world.silenceGuests();
        var call =
                TemplateServiceGrpc.newBlockingV2Stub(channel).buildTemplate(BuildTemplateRequest.getDefaultInstance());
        var _ = call.read(10, TimeUnit.SECONDS);
        assertTrue(world.awaitAsked());

        call.cancel("test", null);

        assertTrue(world.awaitDestroyed());
        assertEquals(List.of(), templates());
    }

    @Test
    void templates_areBuiltListedAndPruned() {
        assertEquals(List.of(), templates());
        SandboxSpec spec = SandboxSpec.newBuilder()
                .setMemoryBytes(256 << 20)
                .setVcpus(2)
                .addKernelArguments("nosmt")
                .setRootMode(MountMode.MOUNT_MODE_SCRATCH)
                .build();

        List<BuildTemplateResponse> responses = build(spec);

        assertTrue(responses.stream().anyMatch(r -> r.getProgress().getMessage().equals("saving it")));
        Template made = responses.getLast().getMade();
        assertEquals(
                TemplateKind.newBuilder()
                        .setKernelRelease("6.1.0-fake")
                        .setAccelerator(Accelerator.ACCELERATOR_TCG)
                        .setMemoryBytes(256 << 20)
                        .setVcpus(2)
                        .setDisks(true)
                        .addKernelArguments("nosmt")
                        .build(),
                made.getKind());
        assertTrue(made.hasCreateTime());
        assertFalse(made.hasLastUseTime());
        assertEquals(List.of(made), templates());
        assertEquals(made, build(spec).getLast().getFound());
        assertEquals(List.of(), prune(false));
        assertEquals(List.of(made), prune(true));
        assertEquals(List.of(), templates());
    }

    private List<BuildTemplateResponse> build(SandboxSpec spec) {
        List<BuildTemplateResponse> all = new ArrayList<>();
        TemplateServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .buildTemplate(
                        BuildTemplateRequest.newBuilder().setSandbox(spec).build())
                .forEachRemaining(all::add);
        return all;
    }

    private List<Template> templates() {
        return TemplateServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .listTemplates(ListTemplatesRequest.getDefaultInstance())
                .getTemplatesList();
    }

    private List<Template> prune(boolean all) {
        return TemplateServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .pruneTemplates(PruneTemplatesRequest.newBuilder().setAll(all).build())
                .getRemovedList();
    }

    @Test
    void gate_closedWhenIdle_refusesCalls() {
        long seen = gate.begun();
        assertTrue(gate.closeIfIdle(seen, sandboxes::closeIfIdle));

        var node = NodeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
        assertEquals(
                Status.Code.UNAVAILABLE,
                assertThrows(StatusRuntimeException.class, () -> node.getNode(GetNodeRequest.getDefaultInstance()))
                        .getStatus()
                        .getCode());
    }

    @Test
    void gate_whileASandboxLives_staysOpen() throws Exception {
        var call = run();
        call.write(start("box"));
        awaitStarted(call);

        assertFalse(gate.closeIfIdle(gate.begun(), sandboxes::closeIfIdle));
        deleteAll();
    }

    @Test
    void socket_isForItsOwnerAlone() throws IOException {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }

    private AgentServer listen(Path path, Set<Integer> uids) throws IOException {
        return AgentServer.listen(
                path, uids, gate, new AgentServer.Services(sandboxes, "1.2.3", path.resolveSibling("state")));
    }

    private ManagedChannel channel(Path path) {
        return NettyChannelBuilder.forAddress(new DomainSocketAddress(path.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(clientLoop)
                .usePlaintext()
                .build();
    }

    private BlockingClientCall<RunRequest, RunResponse> run() {
        return ProcessServiceGrpc.newBlockingV2Stub(channel).run();
    }

    private RunRequest start(String name) {
        return RunRequest.newBuilder()
                .setStart(RunStart.newBuilder()
                        .setSandbox(SandboxSpec.newBuilder()
                                .setName(name)
                                .setRootDirectory(
                                        ByteString.copyFromUtf8(world.root().toString())))
                        .setProcess(ProcessSpec.newBuilder().addArgv(ByteString.copyFromUtf8("cat")))
                        .setClientLostPolicy(ClientLostPolicy.CLIENT_LOST_POLICY_DELETE))
                .build();
    }

    private static RunRequest signal(int number) {
        return RunRequest.newBuilder()
                .setSignal(SignalRequest.newBuilder().setSignal(number))
                .build();
    }

    private static RunRequest resize(int rows, int columns) {
        return RunRequest.newBuilder()
                .setResize(TerminalSize.newBuilder().setRows(rows).setColumns(columns))
                .build();
    }

    private static void awaitStarted(BlockingClientCall<RunRequest, RunResponse> call) throws Exception {
        while (true) {
            RunResponse response = call.read(10, TimeUnit.SECONDS);
            if (response == null) {
                throw new AssertionError("ended before it started");
            }
            if (response.getProcess().hasStarted()) {
                return;
            }
        }
    }

    private static List<ProcessEvent> rest(BlockingClientCall<RunRequest, RunResponse> call) throws Exception {
        List<ProcessEvent> events = new ArrayList<>();
        while (true) {
            RunResponse response = call.read(10, TimeUnit.SECONDS);
            if (response == null) {
                return events;
            }
            if (response.hasProcess()) {
                events.add(response.getProcess());
            }
        }
    }

    private static Status.Code failure(BlockingClientCall<RunRequest, RunResponse> call) throws Exception {
        try {
            throw new AssertionError("it ended: " + rest(call));
        } catch (io.grpc.StatusException e) {
            return e.getStatus().getCode();
        }
    }

    private void deleteAll() throws Exception {
        for (var view : sandboxes.list()) {
            try {
                sandboxes.delete(view.id().value());
            } catch (org.barchan.host.sandbox.SandboxException e) {
                // It went by itself.
            }
        }
        assertEquals(List.of(), world.leftovers());
    }

    private static int myUid() throws IOException {
        return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    }
}
