package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.GuestUsage;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.PortConnection;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Change;
import org.barchan.v1.GuestStats;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.ProcessTableEntry;
import org.barchan.v1.StdinProgress;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.jspecify.annotations.Nullable;

/** A guest whose process does what the test says. */
final class FakeGuest implements Guest {
    /** Counted down when the agent waits for it; see {@link #silent}. */
    final CountDownLatch asked = new CountDownLatch(1);

    /** Counted down when the agent minds it without a client. */
    final CountDownLatch watched = new CountDownLatch(1);

    final CountDownLatch shutdownAsked = new CountDownLatch(1);
    final List<String> signals = new CopyOnWriteArrayList<>();
    final List<ByteString> stdin = new CopyOnWriteArrayList<>();
    final BlockingQueue<String> forgotten = new LinkedBlockingQueue<>();
    final CountDownLatch stdinClosed = new CountDownLatch(1);
    final BlockingQueue<Runnable> onSignal = new LinkedBlockingQueue<>();
    final Semaphore taken = new Semaphore(0);
    volatile boolean silent;
    volatile boolean ignoresShutdown;
    volatile boolean configured;
    volatile String bootId = "guest-boot";
    final AtomicInteger epochs = new AtomicInteger();
    /** How many have connected to ports. */
    final AtomicInteger connections = new AtomicInteger();

    volatile boolean hasProcess;
    /** When set, the hello fails with a timeout at once, as it would after the deadline. */
    volatile boolean timesOut;

    volatile boolean settled;
    /** What it does not get into its images. */
    volatile List<String> unwritten = List.of();
    /** What was written to its overlays. */
    volatile List<Change> changes = List.of();

    /** What it says that it takes. */
    volatile GuestStats stats =
            GuestStats.newBuilder().setUptimeMicros(7).setProcessCount(2).build();

    volatile List<ProcessTableEntry> processes =
            List.of(ProcessTableEntry.newBuilder().setPid(2).build());

    private final FakeWorld world;
    private final FakeMachine machine;
    private final BlockingQueue<ProcessEvent> events = new LinkedBlockingQueue<>();
    /** The processes beside the sandbox's own, by their ids. */
    private final Map<String, BlockingQueue<ProcessEvent>> others = new ConcurrentHashMap<>();

    private final CompletableFuture<Termination> termination = new CompletableFuture<>();
    private final CompletableFuture<Void> dead = new CompletableFuture<>();
    private volatile boolean stdinBlocked;
    private volatile Optional<SandboxName> name = Optional.empty();
    private volatile @Nullable GuestConfiguration lastConfiguration;

    FakeGuest(FakeWorld world, FakeMachine machine) {
        this.world = world;
        this.machine = machine;
    }

    @Override
    public GuestHello hello(Duration deadline) throws SandboxException, InterruptedException {
        asked.countDown();
        world.step("guest.hello");
        if (timesOut) {
            throw new SandboxException(SandboxException.Code.TIMEOUT, "no answer within " + deadline);
        }
        if (silent) {
            await(dead);
            throw lost();
        }
        return new GuestHello(bootId, "6.1.0-fake", epochs.get(), configured, processIds(), 1, 2);
    }

    @Override
    public void zeroFreeMemory() throws SandboxException {
        world.step("guest.zeroFreeMemory");
    }

    /** Whoever connects hears what they say; port 1 refuses. */
    @Override
    public PortConnection connect(PortAddress address) throws SandboxException {
        if (address.equals(new PortAddress.Tcp(1))) {
            throw new SandboxException(SandboxException.Code.PRECONDITION, "connection refused");
        }
        connections.incrementAndGet();
        return new EchoConnection();
    }

    /** Somebody connects to port 80 at once, and then nobody any more. */
    @Override
    public void listen(ListenRequest request, GuestFiles.Taker<ListenResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        if (request.getTcpPort() != 80) {
            throw new SandboxException(SandboxException.Code.PRECONDITION, "address in use");
        }
        taker.take(ListenResponse.newBuilder().setTcpPort(80).build());
        taker.take(ListenResponse.newBuilder().setAcceptedConnection(7).build());
        new CountDownLatch(1).await();
    }

    @Override
    public void leave() throws SandboxException {
        world.step("guest.leave");
    }

    @Override
    public void prepare(List<String> kernelModules) throws SandboxException {
        world.step("guest.prepare");
    }

    @Override
    public Configured configure(GuestConfiguration configuration, boolean findDevices) throws SandboxException {
        world.step("guest.configure");
        lastConfiguration = configuration;
        configured = true;
        return new Configured(bootId, List.of(), Map.of("mount a=b, c", Duration.ofNanos(1000)));
    }

    @Override
    public void personalize(SandboxName hostname) throws SandboxException {
        world.step("guest.personalize");
        name = Optional.of(hostname);
    }

    private List<String> processIds() {
        return Stream.concat(hasProcess ? Stream.of(Run.PROCESS_ID) : Stream.of(), others.keySet().stream())
                .toList();
    }

    /** It has a further process, of a former agent's client. */
    void addOther(String processId) {
        others.put(processId, new LinkedBlockingQueue<>());
    }

    /** Returns the name that it got after it had waited. */
    Optional<SandboxName> name() {
        return name;
    }

    GuestConfiguration configuration() {
        return Objects.requireNonNull(lastConfiguration, "it was not configured");
    }

    @Override
    public ProcessConnection start(String processId, ProcessSpec spec) {
        if (processId.equals(Run.PROCESS_ID)) {
            hasProcess = true;
        } else {
            others.put(processId, new LinkedBlockingQueue<>());
        }
        return connect(processId, true);
    }

    @Override
    public ProcessConnection attach(String processId, long stdoutOffset, long stderrOffset) {
        watched.countDown();
        return connect(processId, false);
    }

    private Connection connect(String processId, boolean starts) {
        Connection connection = new Connection(others.getOrDefault(processId, events), starts);
        world.open.add(connection);
        return connection;
    }

    @Override
    public void signal(String processId, int signal, TerminationCause cause) {
        signals.add(signal + " " + cause);
        Runnable reaction = onSignal.poll();
        if (reaction != null) {
            reaction.run();
        }
    }

    @Override
    public void resizeTerminal(String processId, TerminalSize size) {
        signals.add("size " + size.getRows() + "x" + size.getColumns());
    }

    @Override
    public void forget(String processId) {
        forgotten.add(processId);
    }

    @Override
    public Termination waitProcess(String processId) throws SandboxException, InterruptedException {
        watched.countDown();
        var _ = await(CompletableFuture.anyOf(termination, dead));
        if (!termination.isDone()) {
            throw lost();
        }
        return await(termination);
    }

    @Override
    public void readChanges(boolean content, ChangeTaker taker)
            throws SandboxException, InterruptedException, IOException {
        world.step("guest.readChanges");
        for (Change change : changes) {
            taker.change(change);
        }
    }

    @Override
    public GuestUsage usage(int maxProcesses) throws SandboxException {
        world.step("guest.usage");
        return new GuestUsage(stats, maxProcesses == 0 ? List.of() : processes);
    }

    @Override
    public GuestFiles files() {
        throw new UnsupportedOperationException("no test needs its files");
    }

    @Override
    public List<String> settle() throws SandboxException {
        world.step("guest.settle");
        settled = true;
        return unwritten;
    }

    @Override
    public void shutdown() {
        shutdownAsked.countDown();
        if (!ignoresShutdown) {
            machine.end(MachineEnd.SHUTDOWN);
        }
    }

    @Override
    public void close() {
        world.open.remove(this);
        others.values().forEach(queue -> queue.add(ProcessEvent.getDefaultInstance()));
    }

    /** It knows nothing of the processes beside the sandbox's own. */
    void forgetOthers() {
        others.clear();
    }

    /** The process writes. */
    void write(String text, long offset) {
        events.add(output(text, offset));
    }

    private static ProcessEvent output(String text, long offset) {
        return ProcessEvent.newBuilder()
                .setOutput(ProcessOutput.newBuilder()
                        .setStream(OutputStream.OUTPUT_STREAM_STDOUT)
                        .setOffset(offset)
                        .setData(FakeWorld.bytes(text)))
                .build();
    }

    /** The processes beside the sandbox's own write. */
    void writeOthers(String text, long offset) {
        ProcessEvent output = output(text, offset);
        others.values().forEach(queue -> queue.add(output));
    }

    /** The process ends. */
    void exit(int code) {
        end(Termination.newBuilder()
                .setExitCode(code)
                .setCause(TerminationCause.TERMINATION_CAUSE_EXITED)
                .build());
    }

    void end(Termination how) {
        termination.complete(how);
        events.add(ProcessEvent.newBuilder().setTerminated(how).build());
    }

    void connected() {
        epochs.incrementAndGet();
    }

    int untaken() {
        return events.size();
    }

    void blockStdin() {
        stdinBlocked = true;
    }

    void die() {
        dead.complete(null);
        events.add(ProcessEvent.getDefaultInstance());
        others.values().forEach(queue -> queue.add(ProcessEvent.getDefaultInstance()));
    }

    /** The processes beside the sandbox's own end. */
    void exitOthers(int code) {
        ProcessEvent end = ProcessEvent.newBuilder()
                .setTerminated(Termination.newBuilder().setExitCode(code))
                .build();
        others.values().forEach(queue -> queue.add(end));
    }

    @Override
    public String toString() {
        return "link of " + machine.record().id();
    }

    private static SandboxException lost() {
        return new SandboxException(SandboxException.Code.LOST, "the link is lost");
    }

    private static <T> T await(CompletableFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private final class Connection implements ProcessConnection {
        private final BlockingQueue<ProcessEvent> own;

        private boolean starts;

        Connection(BlockingQueue<ProcessEvent> own, boolean starts) {
            this.own = own;
            this.starts = starts;
        }

        @Override
        public boolean write(ByteString data) throws InterruptedException {
            if (stdinBlocked) {
                await(dead);
            }
            stdin.add(data);
            return true;
        }

        @Override
        public StdinProgress stdin() {
            long bytes = stdin.stream().mapToLong(ByteString::size).sum();
            return StdinProgress.newBuilder().setTaken(bytes).setReceived(bytes).build();
        }

        @Override
        public void closeStdin() {
            stdinClosed.countDown();
        }

        @Override
        public ProcessEvent take() throws SandboxException, InterruptedException {
            if (starts) {
                world.step("guest.start");
                starts = false;
                return ProcessEvent.newBuilder()
                        .setStarted(ProcessStarted.newBuilder().setPid(2))
                        .build();
            }
            world.step("connection.take");
            ProcessEvent event = own.take();
            taken.release();
            if (event.getEventCase() == ProcessEvent.EventCase.EVENT_NOT_SET) {
                throw lost();
            }
            return event;
        }

        @Override
        public void close() {
            world.open.remove(this);
        }

        @Override
        public String toString() {
            return "streams of " + machine.record().id();
        }
    }
}
