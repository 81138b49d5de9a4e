package org.barchan.host.lifecycle;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.Console;
import org.barchan.host.port.Consoles;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestLink;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.KernelInventory;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.ScratchFiles;
import org.barchan.host.port.Views;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Disk;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;

/** A host with hypervisor, guests, boot files, where any step can be made to fail, and what is left behind is known. */
public final class FakeWorld
        implements BootFiles, Consoles, Host, HypervisorDriver, KernelInventory, Views, Hypervisors.Opener {
    static final HostUser CLIENT = new HostUser(1000, 1000);
    static final Duration KVM_PROOF = Duration.ofSeconds(10);

    final Path directory;
    final FakeTimer timer = new FakeTimer();
    /** All machines that were ever started, in order. */
    final List<FakeMachine> started = new CopyOnWriteArrayList<>();

    final Map<SandboxId, FakeMachine> machines = new ConcurrentHashMap<>();
    /** Consoles and links that are open. */
    final Set<Object> open = ConcurrentHashMap.newKeySet();

    /** How often it was closed as a hypervisor. */
    final AtomicInteger closed = new AtomicInteger();

    final AtomicBoolean tidied = new AtomicBoolean();

    /** How many machines did not start. */
    final AtomicInteger failedStarts = new AtomicInteger();

    final List<MachineSpec> specs = new CopyOnWriteArrayList<>();
    volatile Optional<String> kvmProblem = Optional.of("there is no /dev/kvm");
    volatile Optional<Path> unenterableDirectory = Optional.empty();
    /** What was asked for of the host's file systems. */
    final List<Request> requests = new CopyOnWriteArrayList<>();

    /** What the kernel has. */
    final Map<Feature, List<String>> modules = new EnumMap<>(Map.of(
            Feature.NINEP, List.of("9p.ko"),
            Feature.VIRTIOFS, List.of("fuse.ko", "virtiofs.ko"),
            Feature.OVERLAY, List.of("overlay.ko")));

    /** Changes when the kernel or the guest's init does. */
    volatile String bootDigest = "digest";

    volatile HostUser self = CLIENT;
    volatile Descriptors descriptors = new Descriptors(100, 1024);
    volatile Optional<Path> virtiofsd = Optional.of(Path.of("/usr/lib/qemu/virtiofsd"));
    /** What the guests of machines that are started from now on do. */
    volatile Consumer<FakeMachine> onStart = machine -> {};
    /** The step that fails, and how. */
    private final Map<String, SandboxException> faults = new ConcurrentHashMap<>();

    private final Map<String, RuntimeException> bugs = new ConcurrentHashMap<>();
    /** Whether guests go on from saved ones. */
    boolean templates;

    int pool;

    private final Map<String, Runnable> actions = new ConcurrentHashMap<>();
    private final List<String> opened = new ArrayList<>();

    public FakeWorld(Path directory) throws IOException {
        this.directory = directory;
        for (String name : List.of("root/proc", "root/sys", "root/dev", "state", "run")) {
            Files.createDirectories(directory.resolve(name));
        }
    }

    public Path root() {
        return directory.resolve("root");
    }

    public Sandboxes sandboxes() {
        Sandboxes sandboxes = new Sandboxes(
                new Sandboxes.Ports(
                        this, new Link(), this, this, this, this, this::archive, new FakeTrees(), new FakeScratch()),
                new Hypervisors(this),
                timer,
                new Sandboxes.Settings(
                        directory.resolve("run"),
                        directory.resolve("state"),
                        directory.resolve("guest"),
                        templates,
                        pool,
                        KVM_PROOF,
                        Duration.ofSeconds(20),
                        Duration.ofSeconds(60)));
        return sandboxes;
    }

    void fail(String step, SandboxException.Code code) {
        faults.put(step, new SandboxException(code, "injected: " + step));
    }

    void fail(String step, RuntimeException bug) {
        bugs.put(step, bug);
    }

    void mend(String step) {
        faults.remove(step);
    }

    /** Does something at a step, before it. */
    void at(String step, Runnable action) {
        actions.put(step, action);
    }

    void step(String name) throws SandboxException {
        actions.getOrDefault(name, () -> {}).run();
        SandboxException fault = faults.get(name);
        if (fault != null) {
            throw fault;
        }
        RuntimeException bug = bugs.get(name);
        if (bug != null) {
            throw bug;
        }
    }

    /** Returns all that is left: machines, connections, runtime directories. */
    List<String> leftovers() throws IOException {
        List<String> left = new ArrayList<>();
        machines.keySet().forEach(id -> left.add("machine " + id));
        open.forEach(o -> left.add("open " + o));
        Path runtime = directory.resolve("run/s");
        if (Files.exists(runtime)) {
            try (var files = Files.list(runtime)) {
                files.forEach(file -> left.add(file.toString()));
            }
        }
        return left;
    }

    @Override
    public HypervisorDriver open(String uri) throws SandboxException {
        step("driver.open");
        step("driver.open " + uri);
        synchronized (opened) {
            opened.add(uri);
        }
        return this;
    }

    @Override
    public Machine start(MachineSpec spec) throws SandboxException {
        try {
            step("machine.start");
            step("machine.start " + spec.record().accelerator());
        } catch (SandboxException e) {
            failedStarts.incrementAndGet();
            throw e;
        }
        specs.add(spec);
        FakeMachine machine = new FakeMachine(this, spec.record());
        machines.put(spec.record().id(), machine);
        started.add(machine);
        onStart.accept(machine);
        return machine;
    }

    @Override
    public List<Machine> running() throws SandboxException {
        step("driver.running");
        return List.copyOf(machines.values());
    }

    @Override
    public BootFileSet prepare(KernelChoice choice, boolean disks, Consumer<String> progress) throws SandboxException {
        step("bootFiles.prepare");
        progress.accept("preparing the kernel");
        return new BootFileSet("6.1.0-fake", Path.of("/k"), Path.of("/i"), modules, bootDigest, choice, disks);
    }

    @Override
    public void removeAbandoned() {
        tidied.set(true);
    }

    @Override
    public Console open(SandboxId id, Path socket) throws SandboxException {
        step("console.open");
        FakeConsole console = machine(id).console;
        open.add(console);
        return console;
    }

    FakeMachine machine(SandboxId id) {
        FakeMachine machine = machines.get(id);
        if (machine == null) {
            throw new AssertionError("no machine " + id);
        }
        return machine;
    }

    @Override
    public HostUser self() {
        return self;
    }

    @Override
    public String architecture() {
        return "x86_64";
    }

    @Override
    public String bootId() {
        return "host-boot";
    }

    @Override
    public Descriptors descriptors() {
        return descriptors;
    }

    @Override
    public String kernelRelease() {
        return "6.18";
    }

    @Override
    public Emulator emulator() throws SandboxException {
        step("host.emulator");
        return new Emulator(Path.of("/usr/bin/qemu"), "QEMU 7.2", Instant.EPOCH);
    }

    @Override
    public Optional<Path> virtiofsd() {
        return virtiofsd;
    }

    @Override
    public HostUser emulatorUser(HostUser client) {
        // The test may not be root: the directory can be given to oneself alone.
        try {
            return new HostUser((Integer) Files.getAttribute(directory, "unix:uid"), (Integer)
                    Files.getAttribute(directory, "unix:gid"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String nameOf(HostUser user) {
        return "user" + user.uid();
    }

    @Override
    public Optional<String> kvmProblem(HostUser user) {
        return kvmProblem;
    }

    @Override
    public boolean mayEnter(Path path, HostUser user) {
        return !unenterableDirectory.equals(Optional.of(path));
    }

    @Override
    public Optional<Path> homeOf(HostUser user) {
        return Optional.of(Path.of("/home/caller"));
    }

    @Override
    public List<Path> homesOfOthers(HostUser user) {
        return List.of(Path.of("/srv/other"));
    }

    /** Shows sources where they are. */
    @Override
    public View open(Request request) throws SandboxException {
        step("views.open");
        requests.add(request);
        for (Source source : request.sources()) {
            if (!Files.exists(Path.of(source.path().toString()))) {
                throw new SandboxException(SandboxException.Code.PRECONDITION, source.action() + ": it is not there");
            }
        }
        FakeView view = new FakeView(request);
        open.add(view);
        return view;
    }

    private final class FakeView implements View {
        private final Request request;

        FakeView(Request request) {
            this.request = request;
        }

        @Override
        public Path path(String tag) {
            Path source = source(tag);
            return Files.isRegularFile(source) ? source.resolveSibling("") : source;
        }

        @Override
        public Path socket(String tag) {
            return directory.resolve(tag + ".socket");
        }

        @Override
        public String file(String tag) {
            Path source = source(tag);
            return Files.isRegularFile(source) ? source.getFileName().toString() : "";
        }

        private Path source(String tag) {
            return request.sources().stream()
                    .filter(source -> source.tag().equals(tag))
                    .map(source -> Path.of(source.path().toString()))
                    .findFirst()
                    .orElseThrow();
        }

        @Override
        public void close() {
            open.remove(this);
        }
    }

    @Override
    public List<KernelReport> kernels() {
        return List.of(
                new KernelReport("6.1.0-fake", Path.of("/boot/k"), Optional.empty()),
                new KernelReport("6.1.0-cloud", Path.of("/boot/c"), Optional.of("no 9p module")));
    }

    @Override
    public String version() {
        return "9.0.0";
    }

    @Override
    public void close() {
        closed.incrementAndGet();
    }

    private final class FakeScratch implements ScratchFiles {
        @Override
        public Scratch make(List<Long> sizes, HostUser owner) throws SandboxException {
            step("scratch.make");
            Scratch made = new Scratch() {
                @Override
                public List<Path> files() {
                    return sizes.stream()
                            .map(size -> Path.of("/scratch/" + size))
                            .toList();
                }

                @Override
                public void close() {
                    open.remove(this);
                }
            };
            open.add(made);
            return made;
        }

        @Override
        public void removeAbandoned() {}
    }

    /** One line a change. */
    private void archive(Guest guest, OutputStream out) throws SandboxException, InterruptedException, IOException {
        guest.readChanges(true, change -> out.write((change.getPath().toStringUtf8() + "\n").getBytes(UTF_8)));
        out.flush();
    }

    /** Returns a sandbox with defaults for all else. */
    static SandboxSpec spec(String name, Root root, boolean exposed, List<Mount> mounts, List<Disk> disks) {
        return new SandboxSpec(
                new SandboxName(name),
                root,
                exposed,
                mounts,
                disks,
                MemorySize.DEFAULT,
                1,
                new KernelChoice.Newest(),
                List.of(),
                AcceleratorChoice.AUTO,
                Hypervisors.DEFAULT_URI,
                false,
                true,
                ClientLostPolicy.DELETE);
    }

    /** Returns the order to run {@code true}. */
    static RunOrder order(SandboxSpec spec) {
        return new RunOrder(
                spec, ProcessSpec.newBuilder().addArgv(bytes("true")).build(), Optional.empty(), CLIENT, false, false);
    }

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static boolean isTcg(FakeMachine machine) {
        return machine.record().accelerator() == Accelerator.TCG;
    }

    final class Link implements GuestLink {
        @Override
        public Guest open(SandboxId id, Path socket) {
            FakeGuest guest = machine(id).guest;
            guest.connected();
            open.add(guest);
            return guest;
        }

        @Override
        public void close() {}
    }
}
