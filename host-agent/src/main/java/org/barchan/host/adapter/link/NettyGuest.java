package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.barchan.guest.v1.ConfigureRequest;
import org.barchan.guest.v1.ConfigureResponse;
import org.barchan.guest.v1.FileSystemModules;
import org.barchan.guest.v1.ForgetProcessRequest;
import org.barchan.guest.v1.GuestServiceGrpc;
import org.barchan.guest.v1.HelloRequest;
import org.barchan.guest.v1.HelloResponse;
import org.barchan.guest.v1.PersonalizeRequest;
import org.barchan.guest.v1.PortServiceGrpc;
import org.barchan.guest.v1.PrepareRequest;
import org.barchan.guest.v1.ReadChangesRequest;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.guest.v1.ReadStatsRequest;
import org.barchan.guest.v1.ResizeTerminalRequest;
import org.barchan.guest.v1.SettleRequest;
import org.barchan.guest.v1.ShutdownRequest;
import org.barchan.guest.v1.SignalProcessRequest;
import org.barchan.guest.v1.StatsServiceGrpc;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.barchan.guest.v1.WaitProcessRequest;
import org.barchan.guest.v1.ZeroFreeMemoryRequest;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.GuestUsage;
import org.barchan.host.port.PortConnection;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** One guest's service, called over its channel. */
final class NettyGuest implements Guest {
    /** The generation of the protocol that is spoken here. */
    private static final int GENERATION = 1;

    private static final Duration ANSWER_TIME = Duration.ofSeconds(10);

    /** Loads modules and mounts, perhaps beside twenty others that are emulated on two cores. */
    private static final Duration CONFIGURE_TIME = Duration.ofSeconds(60);

    /** Who waits for it can have a guest of its own sooner than that. */
    private static final Duration PERSONALIZE_TIME = Duration.ofSeconds(5);

    /** Who looks at many sandboxes waits for the slowest of them. */
    private static final Duration USAGE_TIME = Duration.ofSeconds(3);

    /** A guest may have much of its memory to write. */
    private static final Duration SETTLE_TIME = Duration.ofSeconds(45);

    /** Of more, nobody is told how long each took. */
    private static final int MAX_STEPS = 50;

    private static final long MOST_MICROS = 3_600_000_000L;

    /** Its answer is looked at before it is parsed. */
    private static final MethodDescriptor<ReadStatsRequest, ByteString> READ_STATS =
            StatsServiceGrpc.getReadStatsMethod().toBuilder(
                            StatsServiceGrpc.getReadStatsMethod().getRequestMarshaller(), new UnparsedMarshaller())
                    .build();

    private static final int ENTROPY_BYTES = 64;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final GuestChannel channel;
    private final InstantSource clock;
    private final Runnable closing;

    NettyGuest(GuestChannel channel, InstantSource clock, Runnable closing) {
        this.channel = channel;
        this.clock = clock;
        this.closing = closing;
    }

    @Override
    public GuestHello hello(Duration deadline) throws SandboxException, InterruptedException {
        String action = "saying hello to the guest";
        HelloResponse hello = channel.callThroughLosses(
                GuestServiceGrpc.getHelloMethod(),
                HelloRequest.newBuilder().setGeneration(GENERATION).build(),
                action,
                deadline,
                true);
        if (hello.getGeneration() < 1) {
            throw CheckedMessages.bad(
                    channel.describe(action),
                    "protocol generation " + hello.getGeneration() + " (expected: 1 or more)");
        }
        return new GuestHello(
                EscapedText.of(hello.getBootId()),
                EscapedText.of(hello.getKernelRelease()),
                hello.getEpochs(),
                hello.getConfigured(),
                hello.getProcessIdsList().stream().map(EscapedText::of).toList(),
                hello.getInitExecUptimeMicros(),
                hello.getHelloUptimeMicros());
    }

    @Override
    public void prepare(List<String> kernelModules) throws SandboxException, InterruptedException {
        channel.call(
                GuestServiceGrpc.getPrepareMethod(),
                PrepareRequest.newBuilder().addAllKernelModules(kernelModules).build(),
                "preparing the guest",
                CONFIGURE_TIME);
    }

    @Override
    public void zeroFreeMemory() throws SandboxException, InterruptedException {
        channel.call(
                GuestServiceGrpc.getZeroFreeMemoryMethod(),
                ZeroFreeMemoryRequest.getDefaultInstance(),
                "zeroing the guest's free memory",
                CONFIGURE_TIME);
    }

    @Override
    public Configured configure(GuestConfiguration configuration, boolean findDevices)
            throws SandboxException, InterruptedException {
        String action = "configuring the guest";
        ConfigureResponse response = channel.call(
                GuestServiceGrpc.getConfigureMethod(), requestOf(configuration, findDevices), action, CONFIGURE_TIME);
        List<String> warnings = new ArrayList<>();
        for (StepResult step : response.getStepsList()) {
            if (isDone(step)) {
                if (step.getOutcome() == StepOutcome.STEP_OUTCOME_DONE
                        && !step.getMessage().isEmpty()) {
                    warnings.add(describe(step));
                }
            } else {
                throw new SandboxException(
                        SandboxException.Code.PRECONDITION,
                        channel.describe(action) + " failed at the step " + describe(step));
            }
        }
        return new Configured(EscapedText.of(response.getBootId()), warnings, steps(response));
    }

    private static Map<String, Duration> steps(ConfigureResponse response) {
        Map<String, Duration> steps = new LinkedHashMap<>();
        response.getStepsList().stream()
                .limit(MAX_STEPS)
                .forEach(step -> steps.put(
                        EscapedText.of(step.getStep()),
                        Duration.of(Math.clamp(step.getMicros(), 0, MOST_MICROS), ChronoUnit.MICROS)));
        return steps;
    }

    @Override
    public void personalize(SandboxName hostname) throws SandboxException, InterruptedException {
        channel.call(
                GuestServiceGrpc.getPersonalizeMethod(),
                PersonalizeRequest.newBuilder()
                        .setHostname(hostname.toString())
                        .setEntropy(entropy())
                        .setWallClock(now())
                        .build(),
                "giving the guest the name " + hostname,
                PERSONALIZE_TIME);
    }

    private static ByteString entropy() {
        byte[] entropy = new byte[ENTROPY_BYTES];
        RANDOM.nextBytes(entropy);
        return ByteString.copyFrom(entropy);
    }

    private Timestamp now() {
        Instant now = clock.instant();
        return Timestamp.newBuilder()
                .setSeconds(now.getEpochSecond())
                .setNanos(now.getNano())
                .build();
    }

    private static boolean isDone(StepResult step) {
        return step.getOutcome() == StepOutcome.STEP_OUTCOME_DONE
                || step.getOutcome() == StepOutcome.STEP_OUTCOME_SKIPPED;
    }

    private static String describe(StepResult step) {
        return "\"" + EscapedText.of(step.getStep()) + "\": " + EscapedText.of(step.getMessage())
                + (step.getErrno() == 0 ? "" : " (" + ErrnoName.of(step.getErrno()) + ")");
    }

    private ConfigureRequest requestOf(GuestConfiguration configuration, boolean findDevices) {
        return ConfigureRequest.newBuilder()
                .setHostname(configuration.hostname().toString())
                .setFindDevices(findDevices)
                .setEntropy(entropy())
                .setWallClock(now())
                .setRoot(GuestMounts.root(configuration.root()))
                .addAllMounts(
                        configuration.mounts().stream().map(GuestMounts::mount).toList())
                .addAllDisks(
                        configuration.disks().stream().map(GuestMounts::disk).toList())
                .addAllKernelModules(configuration.kernelModules())
                .addAllFileSystems(configuration.fileSystems().entrySet().stream()
                        .map(entry -> FileSystemModules.newBuilder()
                                .setType(entry.getKey())
                                .addAllKernelModules(entry.getValue())
                                .build())
                        .toList())
                .build();
    }

    @Override
    public ProcessConnection start(String processId, ProcessSpec spec) {
        return ProcessStreams.start(channel, processId, spec);
    }

    @Override
    public ProcessConnection attach(String processId, long stdoutOffset, long stderrOffset) {
        return ProcessStreams.attach(channel, processId, stdoutOffset, stderrOffset);
    }

    @Override
    public PortConnection connect(PortAddress address) throws SandboxException, InterruptedException {
        return PortStream.connect(channel, address, PortStream.SILENCE);
    }

    @Override
    public void listen(ListenRequest request, GuestFiles.Taker<ListenResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        String action = "listening at TCP port " + request.getTcpPort();
        var guestRequest = org.barchan.guest.v1.ListenRequest.newBuilder()
                .setTcpPort(request.getTcpPort())
                .build();
        try (var stream = channel.stream(PortServiceGrpc.getListenMethod(), guestRequest, action)) {
            ListenGuard guard = new ListenGuard(channel.describe(action), request.getTcpPort());
            taker.take(guard.first(stream.next()));
            while (true) {
                taker.take(guard.accepted(stream.await()));
            }
        }
    }

    @Override
    public void signal(String processId, int signal, TerminationCause cause)
            throws SandboxException, InterruptedException {
        channel.call(
                GuestServiceGrpc.getSignalProcessMethod(),
                SignalProcessRequest.newBuilder()
                        .setProcessId(processId)
                        .setSignal(signal)
                        .setCause(cause)
                        .build(),
                "sending signal " + signal + " to process " + processId,
                ANSWER_TIME);
    }

    @Override
    public void resizeTerminal(String processId, TerminalSize size) throws SandboxException, InterruptedException {
        channel.call(
                GuestServiceGrpc.getResizeTerminalMethod(),
                ResizeTerminalRequest.newBuilder()
                        .setProcessId(processId)
                        .setSize(size)
                        .build(),
                "resizing the terminal of process " + processId,
                ANSWER_TIME);
    }

    @Override
    public void forget(String processId) throws SandboxException, InterruptedException {
        channel.callThroughLosses(
                GuestServiceGrpc.getForgetProcessMethod(),
                ForgetProcessRequest.newBuilder().setProcessId(processId).build(),
                "forgetting process " + processId,
                ANSWER_TIME,
                false);
    }

    @Override
    public Termination waitProcess(String processId) throws SandboxException, InterruptedException {
        String action = "waiting for process " + processId;
        Termination termination = channel.callThroughLosses(
                        GuestServiceGrpc.getWaitProcessMethod(),
                        WaitProcessRequest.newBuilder().setProcessId(processId).build(),
                        action,
                        null,
                        false)
                .getTermination();
        return CheckedMessages.termination(channel.describe(action), termination);
    }

    @Override
    public void readChanges(boolean content, ChangeTaker taker)
            throws SandboxException, InterruptedException, IOException {
        String action = "reading what was written to overlays";
        try (GuestChannel.Stream<ReadChangesResponse> stream = channel.stream(
                GuestServiceGrpc.getReadChangesMethod(),
                ReadChangesRequest.newBuilder().setContent(content).build(),
                action)) {
            ChangeGuard guard = new ChangeGuard(channel.describe(action), content);
            for (ReadChangesResponse item = stream.next(); item != null; item = stream.next()) {
                guard.check(item);
                if (item.hasChange()) {
                    taker.change(item.getChange());
                } else {
                    taker.data(item.getData());
                }
            }
            guard.checkEnd();
        }
    }

    @Override
    public GuestUsage usage(int maxProcesses) throws SandboxException, InterruptedException {
        String action = "reading what the sandbox takes";
        ByteString response = channel.call(
                READ_STATS,
                ReadStatsRequest.newBuilder().setMaxProcesses(maxProcesses).build(),
                action,
                USAGE_TIME,
                maxProcesses == 0 ? StatsGuard.MAX_STATS_BYTES : StatsGuard.MAX_TABLE_BYTES);
        return new StatsGuard(channel.describe(action)).usage(response, maxProcesses);
    }

    @Override
    public GuestFiles files() {
        return new NettyGuestFiles(channel);
    }

    @Override
    public List<String> settle() throws SandboxException, InterruptedException {
        return channel
                .call(
                        GuestServiceGrpc.getSettleMethod(),
                        SettleRequest.getDefaultInstance(),
                        "having the guest write to its images",
                        SETTLE_TIME)
                .getStepsList()
                .stream()
                .filter(step -> !isDone(step))
                .map(NettyGuest::describe)
                .toList();
    }

    @Override
    public void shutdown() {
        var _ = ClientCalls.futureUnaryCall(
                channel.newCall(GuestServiceGrpc.getShutdownMethod(), ANSWER_TIME),
                ShutdownRequest.getDefaultInstance());
    }

    @Override
    public void leave() throws SandboxException, InterruptedException {
        channel.leave(ANSWER_TIME);
    }

    @Override
    public void close() {
        closing.run();
    }
}
