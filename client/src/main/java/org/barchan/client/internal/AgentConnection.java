package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.barchan.client.AgentAccess;
import org.barchan.client.AgentInfo;
import org.barchan.client.AttachSpec;
import org.barchan.client.BarchanException;
import org.barchan.client.BuiltTemplate;
import org.barchan.client.Change;
import org.barchan.client.Diagnosis;
import org.barchan.client.EventListener;
import org.barchan.client.EventSpec;
import org.barchan.client.ExecSpec;
import org.barchan.client.Kernel;
import org.barchan.client.LogListener;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;
import org.barchan.client.ProcessTable;
import org.barchan.client.ProgressLevel;
import org.barchan.client.ReverseForward;
import org.barchan.client.Run;
import org.barchan.client.RunListener;
import org.barchan.client.RunSpec;
import org.barchan.client.Sandbox;
import org.barchan.client.SandboxFiles;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxProcess;
import org.barchan.client.SandboxSpec;
import org.barchan.client.SandboxStats;
import org.barchan.client.Template;
import org.barchan.client.Termination;
import org.barchan.v1.AttachStart;
import org.barchan.v1.BuildTemplateRequest;
import org.barchan.v1.CreateSandboxRequest;
import org.barchan.v1.CreatedStart;
import org.barchan.v1.DeleteSandboxRequest;
import org.barchan.v1.DiagnoseRequest;
import org.barchan.v1.ExportChangesRequest;
import org.barchan.v1.GetProcessTableRequest;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.GetStatsRequest;
import org.barchan.v1.ListChangesRequest;
import org.barchan.v1.ListKernelsRequest;
import org.barchan.v1.ListProcessesRequest;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.ListTemplatesRequest;
import org.barchan.v1.NodeServiceGrpc;
import org.barchan.v1.PauseSandboxRequest;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.PruneTemplatesRequest;
import org.barchan.v1.RenameSandboxRequest;
import org.barchan.v1.ResumeSandboxRequest;
import org.barchan.v1.RunRequest;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.SignalProcessRequest;
import org.barchan.v1.StatsServiceGrpc;
import org.barchan.v1.StopSandboxRequest;
import org.barchan.v1.TemplateServiceGrpc;
import org.barchan.v1.WaitProcessRequest;

/** The connection to an agent, made again when an agent without work has left. Thread-safe. */
public final class AgentConnection implements AutoCloseable {
    private static final int QUICK_SECONDS = 10;
    private static final int DELETE_SECONDS = 60;
    private static final int DIAGNOSE_SECONDS = 300;
    /** Boot files of another kernel may have to be made, to see that they are others. */
    private static final int PRUNE_SECONDS = 120;

    /** One after the other, where each agent goes at once. */
    private static final int MAX_ATTEMPTS = 5;

    /** In a row, of agents that don't come to listen. */
    private static final int MAX_STARTS = 3;

    /** An agent that has served so long has not gone at once. */
    private static final long PROGRESS_NANOS = 1_000_000_000;

    private final AgentAccess access;
    private AgentChannel current;
    private boolean closed;

    AgentConnection(AgentAccess access, AgentChannel first) {
        this.access = access;
        this.current = first;
    }

    public Run run(RunSpec spec, RunListener listener) {
        return begin(RunRequest.newBuilder().setStart(SpecMapping.toProto(spec)), listener);
    }

    public Run exec(String idOrName, ExecSpec spec, RunListener listener) {
        return begin(RunRequest.newBuilder().setExec(SpecMapping.toProto(idOrName, spec)), listener);
    }

    public Run attach(String processName, AttachSpec spec, RunListener listener) {
        ProcessName name = ProcessName.parse(processName);
        AttachStart.Builder attach = AttachStart.newBuilder()
                .setSandbox(name.sandbox())
                .setProcessId(name.process())
                .setOutputOnly(spec.outputOnly());
        spec.stdoutOffset().ifPresent(attach::setStdoutOffset);
        spec.stderrOffset().ifPresent(attach::setStderrOffset);
        return begin(RunRequest.newBuilder().setAttach(attach), listener);
    }

    public Sandbox create(RunSpec spec) throws BarchanException {
        CreateSandboxRequest request = CreateSandboxRequest.newBuilder()
                .setStart(SpecMapping.toProto(spec))
                .build();
        return ResultMapping.fromProto(call(
                        "creating a sandbox",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel,
                                SandboxServiceGrpc.getCreateSandboxMethod(),
                                within(2 * QUICK_SECONDS),
                                request))
                .getSandbox());
    }

    public Run startCreated(String idOrName, boolean detach, RunListener listener) {
        return begin(
                RunRequest.newBuilder()
                        .setCreated(
                                CreatedStart.newBuilder().setSandbox(idOrName).setDetach(detach)),
                listener);
    }

    private Run begin(RunRequest.Builder first, RunListener listener) {
        RunCall call = new RunCall(this, first.build(), listener);
        call.begin(channel());
        return call;
    }

    public AgentInfo agent() throws BarchanException {
        return call("asking what the agent is", channel -> current().agent());
    }

    public List<Sandbox> list() throws BarchanException {
        return list(ListSandboxesRequest.getDefaultInstance());
    }

    public List<Sandbox> listAll() throws BarchanException {
        return list(ListSandboxesRequest.newBuilder().setEnded(true).build());
    }

    public List<Sandbox> list(SandboxFilter filter) throws BarchanException {
        return list(SpecMapping.toProto(filter));
    }

    private List<Sandbox> list(ListSandboxesRequest request) throws BarchanException {
        return call(
                        "listing the sandboxes",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, SandboxServiceGrpc.getListSandboxesMethod(), within(QUICK_SECONDS), request))
                .getSandboxesList()
                .stream()
                .map(ResultMapping::fromProto)
                .toList();
    }

    public Sandbox get(String idOrName) throws BarchanException {
        GetSandboxRequest request =
                GetSandboxRequest.newBuilder().setSandbox(idOrName).build();
        return ResultMapping.fromProto(call(
                        "looking for the sandbox " + idOrName,
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, SandboxServiceGrpc.getGetSandboxMethod(), within(QUICK_SECONDS), request))
                .getSandbox());
    }

    public Sandbox rename(String idOrName, String newName) throws BarchanException {
        RenameSandboxRequest request = RenameSandboxRequest.newBuilder()
                .setSandbox(idOrName)
                .setNewName(newName)
                .build();
        return ResultMapping.fromProto(call(
                        "renaming the sandbox " + idOrName,
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, SandboxServiceGrpc.getRenameSandboxMethod(), within(QUICK_SECONDS), request))
                .getSandbox());
    }

    public void delete(String idOrName) throws BarchanException {
        DeleteSandboxRequest request =
                DeleteSandboxRequest.newBuilder().setSandbox(idOrName).build();
        call(
                "deleting the sandbox " + idOrName,
                channel -> ClientCalls.blockingUnaryCall(
                        channel, SandboxServiceGrpc.getDeleteSandboxMethod(), within(DELETE_SECONDS), request));
    }

    public void pause(String idOrName) throws BarchanException {
        PauseSandboxRequest request =
                PauseSandboxRequest.newBuilder().setSandbox(idOrName).build();
        call(
                "pausing the sandbox " + idOrName,
                channel -> ClientCalls.blockingUnaryCall(
                        channel, SandboxServiceGrpc.getPauseSandboxMethod(), within(QUICK_SECONDS), request));
    }

    public void resume(String idOrName) throws BarchanException {
        ResumeSandboxRequest request =
                ResumeSandboxRequest.newBuilder().setSandbox(idOrName).build();
        call(
                "resuming the sandbox " + idOrName,
                channel -> ClientCalls.blockingUnaryCall(
                        channel, SandboxServiceGrpc.getResumeSandboxMethod(), within(QUICK_SECONDS), request));
    }

    public boolean stop(String idOrName, int signal, Duration timeout) throws BarchanException {
        StopSandboxRequest request = StopSandboxRequest.newBuilder()
                .setSandbox(idOrName)
                .setSignal(signal)
                .setTimeout(com.google.protobuf.Duration.newBuilder()
                        .setSeconds(timeout.getSeconds())
                        .setNanos(timeout.getNano()))
                .build();
        return call(
                        "stopping the sandbox " + idOrName,
                        channel -> ClientCalls.blockingUnaryCall(
                                channel,
                                SandboxServiceGrpc.getStopSandboxMethod(),
                                within(timeout.toSeconds() + QUICK_SECONDS + DELETE_SECONDS),
                                request))
                .getEndedInTime();
    }

    public void signal(String processName, int signal) throws BarchanException {
        ProcessName name = ProcessName.parse(processName);
        SignalProcessRequest request = SignalProcessRequest.newBuilder()
                .setSandbox(name.sandbox())
                .setProcessId(name.process())
                .setSignal(signal)
                .build();
        call(
                "sending a signal to " + name,
                channel -> ClientCalls.blockingUnaryCall(
                        channel, ProcessServiceGrpc.getSignalProcessMethod(), within(QUICK_SECONDS), request));
    }

    public List<SandboxProcess> processes(String idOrName) throws BarchanException {
        ListProcessesRequest request =
                ListProcessesRequest.newBuilder().setSandbox(idOrName).build();
        return call(
                        "listing the processes of the sandbox " + idOrName,
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, ProcessServiceGrpc.getListProcessesMethod(), within(QUICK_SECONDS), request))
                .getProcessesList()
                .stream()
                .map(ResultMapping::fromProto)
                .toList();
    }

    public Termination await(String processName) throws BarchanException {
        ProcessName name = ProcessName.parse(processName);
        String action = "waiting for " + name;
        // The next agent may know another by that name.
        WaitProcessRequest request = WaitProcessRequest.newBuilder()
                .setSandbox(get(name.sandbox()).id())
                .setProcessId(name.process())
                .build();
        return withAgents(
                action,
                channel -> ResultMapping.fromProto(ClientCalls.blockingUnaryCall(
                                channel, ProcessServiceGrpc.getWaitProcessMethod(), CallOptions.DEFAULT, request)
                        .getTermination()));
    }

    /** @throws UncheckedIOException what the listener throws */
    public void readLog(String processName, boolean follow, Optional<Instant> since, LogListener listener)
            throws BarchanException {
        ProcessName name = ProcessName.parse(processName);
        LogReading reading = new LogReading(get(name.sandbox()).id(), name.process(), follow, since, listener);
        withAgents("reading the log of " + name, channel -> {
            reading.go(channel);
            return true;
        });
    }

    /** @throws UncheckedIOException what the listener throws */
    public void events(EventSpec spec, EventListener listener) throws BarchanException {
        EventWatching watching = new EventWatching(spec, listener);
        withAgents("watching events", channel -> {
            watching.go(channel);
            return true;
        });
    }

    public SandboxStats stats(String idOrName) throws BarchanException {
        GetStatsRequest request =
                GetStatsRequest.newBuilder().setSandbox(idOrName).build();
        return StatsMapping.fromProto(call(
                        "reading what the sandbox " + idOrName + " takes",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, StatsServiceGrpc.getGetStatsMethod(), within(QUICK_SECONDS), request))
                .getStats());
    }

    public void watchStats(List<String> names, Duration interval, Predicate<List<SandboxStats>> listener)
            throws BarchanException {
        StatsWatch watch = new StatsWatch(names, interval, listener);
        withAgents("reading what sandboxes take", channel -> {
            watch.go(channel);
            return true;
        });
    }

    public ProcessTable processTable(String idOrName) throws BarchanException {
        GetProcessTableRequest request =
                GetProcessTableRequest.newBuilder().setSandbox(idOrName).build();
        GetProcessTableResponse table = call(
                "listing the processes of the sandbox " + idOrName,
                channel -> ClientCalls.blockingUnaryCall(
                        channel, StatsServiceGrpc.getGetProcessTableMethod(), within(QUICK_SECONDS), request));
        return StatsMapping.fromProto(table);
    }

    /** Returns the files of a sandbox, reached by the agent that has it now. */
    public SandboxFiles files(String idOrName) throws BarchanException {
        String id = get(idOrName).id();
        return new RemoteFiles(channel(), id);
    }

    /** Calls again with the next agent as often as one goes: an agent that is killed leaves what it has kept. */
    private <T> T withAgents(String action, Function<Channel, T> call) throws BarchanException {
        Channel channel = channel();
        for (int attempt = 1; ; attempt++) {
            long begun = System.nanoTime();
            try {
                return call.apply(channel);
            } catch (StatusRuntimeException e) {
                attempt = System.nanoTime() - begun > PROGRESS_NANOS ? 1 : attempt;
                if (!AgentLauncher.hasLeft(e.getStatus()) || attempt >= MAX_ATTEMPTS) {
                    throw StatusErrors.toException(action, e);
                }
            }
            channel = replace(channel);
        }
    }

    public void changes(String idOrName, Consumer<Change> listener) throws BarchanException {
        ListChangesRequest request =
                ListChangesRequest.newBuilder().setSandbox(idOrName).build();
        stream(
                "reading the changes of the sandbox " + idOrName,
                channel -> ClientCalls.blockingServerStreamingCall(
                        channel, SandboxServiceGrpc.getListChangesMethod(), CallOptions.DEFAULT, request),
                response -> listener.accept(ResultMapping.fromProto(response.getChange())));
    }

    /** @throws UncheckedIOException what {@code out} throws */
    public void exportChanges(String idOrName, OutputStream out) throws BarchanException {
        ExportChangesRequest request =
                ExportChangesRequest.newBuilder().setSandbox(idOrName).build();
        stream(
                "exporting the changes of the sandbox " + idOrName,
                channel -> ClientCalls.blockingServerStreamingCall(
                        channel, SandboxServiceGrpc.getExportChangesMethod(), CallOptions.DEFAULT, request),
                response -> write(response.getData(), out));
    }

    private static void write(ByteString data, OutputStream out) {
        try {
            data.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public ReverseForward forwardReverse(
            String idOrName, int port, SocketAddress target, Consumer<BarchanException> failures)
            throws BarchanException {
        // Which is meant is decided once: the next agent may know another by that name.
        return SandboxListener.listen(access.socket(), get(idOrName).id(), port, target, failures);
    }

    public PortForward forward(
            String idOrName, SocketAddress local, PortTarget target, Consumer<BarchanException> failures)
            throws BarchanException {
        if (target instanceof PortTarget.Udp udp) {
            if (local instanceof InetSocketAddress address) {
                return DatagramListener.listen(access.socket(), get(idOrName).id(), address, udp, failures);
            }
            throw new IllegalArgumentException(
                    "local: '" + local + "' (expected: an IP address, as the target is a UDP port)");
        }
        return PortListener.listen(access.socket(), idOrName, local, target, failures);
    }

    public List<Kernel> kernels() throws BarchanException {
        return call(
                        "listing the kernels",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel,
                                NodeServiceGrpc.getListKernelsMethod(),
                                within(QUICK_SECONDS),
                                ListKernelsRequest.getDefaultInstance()))
                .getKernelsList()
                .stream()
                .map(ResultMapping::fromProto)
                .toList();
    }

    public List<Template> templates() throws BarchanException {
        return call(
                        "listing the templates",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel,
                                TemplateServiceGrpc.getListTemplatesMethod(),
                                within(QUICK_SECONDS),
                                ListTemplatesRequest.getDefaultInstance()))
                .getTemplatesList()
                .stream()
                .map(ResultMapping::fromProto)
                .toList();
    }

    public BuiltTemplate buildTemplate(SandboxSpec sandbox, BiConsumer<ProgressLevel, String> listener)
            throws BarchanException {
        BuildTemplateRequest request = BuildTemplateRequest.newBuilder()
                .setSandbox(SpecMapping.toProto(sandbox))
                .build();
        List<BuiltTemplate> built = new ArrayList<>();
        stream(
                "building a template",
                channel -> ClientCalls.blockingServerStreamingCall(
                        channel, TemplateServiceGrpc.getBuildTemplateMethod(), CallOptions.DEFAULT, request),
                response -> {
                    switch (response.getResponseCase()) {
                        case PROGRESS ->
                            listener.accept(
                                    ResultMapping.fromProto(
                                            response.getProgress().getLevel()),
                                    response.getProgress().getMessage());
                        case MADE -> built.add(new BuiltTemplate(ResultMapping.fromProto(response.getMade()), true));
                        case FOUND -> built.add(new BuiltTemplate(ResultMapping.fromProto(response.getFound()), false));
                        case RESPONSE_NOT_SET -> {} // something newer that this client can do without
                    }
                });
        if (built.isEmpty()) {
            throw new BarchanException(
                    BarchanException.Code.INTERNAL, "building a template: the agent ended the call without one");
        }
        return built.getFirst();
    }

    public List<Template> pruneTemplates(boolean all) throws BarchanException {
        PruneTemplatesRequest request =
                PruneTemplatesRequest.newBuilder().setAll(all).build();
        return call(
                        "pruning the templates",
                        channel -> ClientCalls.blockingUnaryCall(
                                channel, TemplateServiceGrpc.getPruneTemplatesMethod(), within(PRUNE_SECONDS), request))
                .getRemovedList()
                .stream()
                .map(ResultMapping::fromProto)
                .toList();
    }

    public void diagnose(Consumer<Diagnosis> listener) throws BarchanException {
        stream(
                "checking the host",
                channel -> ClientCalls.blockingServerStreamingCall(
                        channel,
                        NodeServiceGrpc.getDiagnoseMethod(),
                        within(DIAGNOSE_SECONDS),
                        DiagnoseRequest.getDefaultInstance()),
                response -> listener.accept(ResultMapping.fromProto(response)));
    }

    /** Connects to an agent again, in place of a channel whose agent has left. Blocks while one starts. */
    synchronized Channel replace(Channel gone) throws BarchanException {
        if (closed) {
            throw new BarchanException(BarchanException.Code.CANCELLED, "the client was closed");
        }
        if (current.channel().equals(gone)) {
            AgentChannel next = open();
            current.close();
            current = next;
        }
        return current.channel();
    }

    /** What has ended one agent may well end the next one while it starts. */
    private AgentChannel open() throws BarchanException {
        for (int attempt = 1; ; attempt++) {
            try {
                return AgentLauncher.open(access);
            } catch (BarchanException e) {
                if (e.code() != BarchanException.Code.UNAVAILABLE || attempt >= MAX_STARTS) {
                    throw e;
                }
            }
        }
    }

    /** Calls for any number of responses. They are begun again with another agent only while none has come. */
    private <A> void stream(String action, Function<Channel, Iterator<A>> call, Consumer<A> taker)
            throws BarchanException {
        Iterator<A> responses = call(action, channel -> {
            Iterator<A> begun = call.apply(channel);
            var _ = begun.hasNext(); // Waits for the first, or throws what the call ended with.
            return begun;
        });
        try {
            responses.forEachRemaining(taker);
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException(action, e);
        }
    }

    private <T> T call(String action, Function<Channel, T> call) throws BarchanException {
        Channel channel = channel();
        try {
            return call.apply(channel);
        } catch (StatusRuntimeException e) {
            if (!AgentLauncher.hasLeft(e.getStatus())) {
                throw StatusErrors.toException(action, e);
            }
        }
        // All of these calls are safe to repeat.
        try {
            return call.apply(replace(channel));
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException(action, e);
        }
    }

    private Channel channel() {
        return current().channel();
    }

    private synchronized AgentChannel current() {
        return current;
    }

    private static CallOptions within(long seconds) {
        return CallOptions.DEFAULT.withDeadlineAfter(seconds, TimeUnit.SECONDS);
    }

    @Override
    public synchronized void close() {
        closed = true;
        current.close();
    }
}
