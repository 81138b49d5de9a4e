package org.barchan.host.lifecycle;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.ChangeArchives;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Consoles;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.port.GuestLink;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.KernelInventory;
import org.barchan.host.port.ScratchFiles;
import org.barchan.host.port.TreeArchives;
import org.barchan.host.port.Views;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All that can be done with the sandboxes of this host. Safe for use by many threads. */
public final class Sandboxes {
    private static final Logger LOG = LoggerFactory.getLogger(Sandboxes.class);
    /** How long the ends of processes that end with their sandbox may take to be noted. */
    private static final Duration NOTED = Duration.ofSeconds(3);

    /** Of how many sandboxes that have ended something is kept. */
    private static final int MAX_ENDED = 1000;

    private final Events events;
    private final Registry registry;
    private final Hypervisors hypervisors;
    private final Timer timer;
    private final Reconciliation reconciliation;
    private final SandboxMaker maker;
    private final Teardown teardown;
    private final SandboxRecords records;
    private final TrialBoot trial;
    private final Templates templates;
    private final SandboxMaker.BootDeadlines deadlines;
    private final Pool pool;
    private final Ports ports;
    private final Settings settings;
    private final Accelerators accelerators;
    private final CompletableFuture<Void> reconciled = new CompletableFuture<>();
    private final SandboxLookup lookup;
    private final Room room;
    private final Processes processes;
    private final RunRequests requests;
    private final CreatedSandboxes created;
    private final SandboxNames names;

    public Sandboxes(Ports ports, Hypervisors hypervisors, Timer timer, Settings settings) {
        this.ports = ports;
        this.hypervisors = hypervisors;
        this.timer = timer;
        this.settings = settings;
        RuntimeDirectories directories =
                new RuntimeDirectories(settings.runtimeDirectory().resolve("s"));
        this.events = Events.open(
                settings.stateDirectory().resolve("events"),
                settings.runtimeDirectory(),
                ports.host().bootId());
        this.records = new SandboxRecords(
                settings.stateDirectory().resolve("sandboxes"), settings.runtimeDirectory(), MAX_ENDED, events);
        this.registry = new Registry(events, records);
        this.teardown = new Teardown(registry, timer);
        // Before any machine of a former agent is found.
        records.load();
        this.lookup = new SandboxLookup(registry, records, reconciled);
        this.room =
                new Room(ports.host(), settings.runtimeDirectory(), settings.stateDirectory(), ProcessLog::freeBytes);
        this.processes = new Processes(lookup, records, room, timer);
        this.created = new CreatedSandboxes(registry, lookup, records, events, this::start);
        this.names = new SandboxNames(registry, lookup, records, events, created);
        this.requests = new RunRequests(lookup, records, processes);
        this.reconciliation =
                new Reconciliation(directories, ports.consoles(), ports.link(), registry, teardown, records, timer);
        GuestBoot boot = new GuestBoot(
                directories,
                ports.consoles(),
                ports.link(),
                timer,
                Runtime.getRuntime().availableProcessors());
        this.trial = new TrialBoot(boot, timer);
        this.templates = new Templates(
                settings.templates(), settings.stateDirectory().resolve("templates"), boot, ports.host(), timer);
        ProofStore proofs = new ProofStore(settings.stateDirectory().resolve("accelerator"), ports.host());
        this.accelerators =
                new Accelerators(ports.host(), proofs, trial, settings.kvmProofDeadline(), settings.tcgBootDeadline());
        this.deadlines = new SandboxMaker.BootDeadlines(settings.kvmBootDeadline(), settings.tcgBootDeadline());
        HostShares shares = new HostShares(
                ports.host(), ports.views(), List.of(settings.runtimeDirectory(), settings.stateDirectory()));
        this.maker = new SandboxMaker(
                registry,
                this::driver,
                ports.bootFiles(),
                ports.host(),
                shares,
                ports.scratch(),
                accelerators,
                boot,
                templates,
                deadlines);
        this.pool = new Pool(settings.pool(), maker, shares, room, timer);
    }

    /**
     * Runs a process in a new sandbox. Returns at once; all that happens is told to the observer, failures too.
     *
     * @return what tells the run what the client sends
     * @throws SandboxException {@code EXHAUSTED} when there is no room for it; {@code PRECONDITION} when a port can't be published
     */
    public Run run(RunOrder order, RunObserver client) throws SandboxException {
        return run(order, client, Optional.empty());
    }

    private Run start(RunOrder order, RunObserver client, SandboxRecord record) throws SandboxException {
        return run(order, client, Optional.of(record));
    }

    /** @param kept of one that was created */
    private Run run(RunOrder order, RunObserver client, Optional<SandboxRecord> kept) throws SandboxException {
        Room.Place place = room.forSandbox();
        boolean begun = false;
        try {
            Run run = begin(order, client, kept);
            var _ = run.begun().thenRun(place::free);
            begun = true;
            return run;
        } finally {
            if (!begun) {
                place.free();
            }
        }
    }

    private Run begin(RunOrder order, RunObserver client, Optional<SandboxRecord> kept) throws SandboxException {
        PublishedPorts published = PublishedPorts.listen(order.published());
        // What waits has an id already.
        Optional<Pool.Waiting> waiting = kept.isPresent() ? Optional.empty() : pool.take(order);
        Instant now = Instant.now();
        Sandbox sandbox = new Sandbox(
                kept.map(record -> record.view().id())
                        .or(() -> waiting.map(Pool.Waiting::id))
                        .orElseGet(SandboxId::random),
                order.sandbox().name(),
                kept.map(record -> record.view().createTime()).orElse(now),
                order.sandbox().clientLostPolicy(),
                kept.map(record -> record.view().process())
                        .orElseGet(() -> RunOrder.summary(Run.PROCESS_ID, order.process(), now)),
                waiting.map(guest -> guest.nobodys().signal()).orElseGet(StopSignal::new));
        sandbox.publish(published);
        sandbox.label(order.labels());
        sandbox.limit(order.lifetime(), timer);
        LOG.info(
                "{}: run '{}' for uid {}: {}",
                sandbox.id(),
                sandbox.name(),
                order.client().uid(),
                order.process().getArgvCount() == 0
                        ? ""
                        : Printable.line(order.process().getArgv(0).toStringUtf8()));
        RunObserver observer = client;
        if (sandbox.clientLostPolicy() == ClientLostPolicy.KEEP) {
            SandboxRecord record = kept.isPresent() ? kept.get() : record(sandbox, order);
            sandbox.keep(record);
            if (kept.isPresent()) {
                findFromNowOn(sandbox);
            }
            observer = new LogObserver(
                    sandbox.id().value(),
                    record.log(),
                    records.keeper(sandbox.id()),
                    client,
                    order.kept().detach());
        }
        Run run = new Run(sandbox, waiting, order, observer, maker, teardown, ports.archives(), records, timer);
        Thread.ofVirtual().name("run-" + sandbox.id()).start(run::execute);
        return run;
    }

    /**
     * Runs a process in a new sandbox; or, if the same was ordered before under the same id, joins it from its first byte on.
     *
     * @return what tells it what the client sends
     * @throws SandboxException as {@link #run}; {@code ALREADY_EXISTS} when something else was ordered under the id; {@code PRECONDITION} when
     *     nobody can tell now what has become of it
     */
    public ProcessControl runOnce(RunOrder order, RunObserver client) throws SandboxException, InterruptedException {
        Optional<RunOrder.Request> request = order.kept().request();
        return request.isPresent()
                ? requests.once(request.get(), order.kept().detach(), client, () -> run(order, client))
                : run(order, client);
    }

    /** Its name is its own already: nobody is to start or delete it meanwhile. */
    private void findFromNowOn(Sandbox sandbox) throws SandboxException {
        boolean found = false;
        try {
            var _ = registry.reserve(sandbox);
            found = true;
        } finally {
            if (!found) {
                sandbox.unpublish();
            }
        }
    }

    private SandboxRecord record(Sandbox sandbox, RunOrder order) throws SandboxException {
        boolean made = false;
        try {
            SandboxRecord record = records.create(sandbox.view(), order.kept());
            made = true;
            return record;
        } finally {
            if (!made) {
                sandbox.unpublish();
            }
        }
    }

    /** Returns what happens to them. */
    public Events events() {
        return events;
    }

    /** Returns those that are to be started. */
    public CreatedSandboxes created() {
        return created;
    }

    /** Returns all that can be done with their processes. */
    public Processes processes() {
        return processes;
    }

    /**
     * Returns a live sandbox, or else one that is to be started, or else one that has ended.
     *
     * @throws SandboxException {@code NOT_FOUND}
     */
    public SandboxView get(String idOrName) throws SandboxException, InterruptedException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        return live.isPresent() ? live.get().view() : lookup.findKept(idOrName).view();
    }

    /** Returns the live sandboxes, the oldest first. */
    public List<SandboxView> list() throws InterruptedException {
        return list(SandboxFilter.LIVE);
    }

    /** Returns the live sandboxes, those that are to be started, and those that have ended and are kept, the oldest first. */
    public List<SandboxView> listAll() throws InterruptedException {
        return list(SandboxFilter.ALL);
    }

    /** Returns those that pass a filter, the oldest first. */
    public List<SandboxView> list(SandboxFilter filter) throws InterruptedException {
        lookup.awaitReconciled();
        List<SandboxView> live = registry.all().stream().map(Sandbox::view).toList();
        Set<SandboxId> ids = live.stream().map(SandboxView::id).collect(Collectors.toSet());
        Stream<SandboxView> kept = filter.mayNotLive()
                ? Stream.concat(records.ended(), records.created())
                        .map(SandboxRecord::view)
                        .filter(view -> !ids.contains(view.id()))
                : Stream.empty();
        return Stream.concat(live.stream(), kept)
                .filter(filter::passes)
                .sorted(Comparator.comparing(SandboxView::createTime))
                .toList();
    }

    /** Returns how many sandboxes there are of each phase, as far as that is known: does not wait. */
    public Map<SandboxView.Phase, Long> countByPhase() {
        Map<SandboxId, SandboxView.Phase> phases = new HashMap<>();
        records.created().forEach(created -> phases.put(created.view().id(), SandboxView.Phase.CREATED));
        records.ended().forEach(ended -> phases.put(ended.view().id(), SandboxView.Phase.ENDED));
        registry.all()
                .forEach(sandbox -> phases.put(sandbox.id(), sandbox.view().phase()));
        return phases.values().stream().collect(Collectors.groupingBy(phase -> phase, Collectors.counting()));
    }

    /**
     * Gives a sandbox another name, also one that has ended or is to be started; the host name of its guest stays.
     *
     * @return it as it is now
     * @throws SandboxException {@code NOT_FOUND}; {@code ALREADY_EXISTS} when a live one has the name, or, for one that has ended, another that has
     *     ended; {@code PRECONDITION} while it starts or is taken down; {@code EXHAUSTED} when it can't be noted
     */
    public SandboxView rename(String idOrName, SandboxName name) throws SandboxException, InterruptedException {
        return names.rename(idOrName, name);
    }

    /**
     * Connects to what listens in a sandbox.
     *
     * @throws SandboxException {@code NOT_FOUND}: no such sandbox, or no such socket in it; {@code PRECONDITION} when the sandbox's own process
     *     does not run, or nobody accepts there; {@code EXHAUSTED}
     */
    public SandboxConnection connect(String idOrName, PortAddress address)
            throws SandboxException, InterruptedException {
        return SandboxConnection.open(lookup.find(idOrName), address);
    }

    /**
     * Listens in a sandbox; returns only by an exception.
     *
     * @param taker told the port, and each connection that is made there, which {@link #connect} takes
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when the sandbox's own process does not run, or it can't listen there;
     *     {@code EXHAUSTED}; {@code LOST} when the sandbox has ended
     * @throws IOException what the taker throws
     */
    public void listen(ListenRequest request, GuestFiles.Taker<ListenResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        Sandbox sandbox = lookup.find(request.getSandbox());
        sandbox.live("listening at TCP port " + request.getTcpPort() + " of " + sandbox.id())
                .guest()
                .listen(request, taker);
    }

    /**
     * Reads what was written to the overlays of a sandbox.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when no process runs in it now; what its guest says
     * @throws IOException what the taker throws
     */
    public void readChanges(String idOrName, ChangeTaker taker)
            throws SandboxException, InterruptedException, IOException {
        Sandbox sandbox = lookup.find(idOrName);
        try (Lifespan.Use _ = sandbox.use()) {
            overlaysOf(sandbox).readChanges(false, taker);
        }
    }

    /**
     * Writes a tar archive of the same, with what is in files.
     *
     * @throws SandboxException as {@link #readChanges}
     * @throws IOException what {@code out} throws
     */
    public void exportChanges(String idOrName, OutputStream out)
            throws SandboxException, InterruptedException, IOException {
        Sandbox sandbox = lookup.find(idOrName);
        try (Lifespan.Use _ = sandbox.use()) {
            ports.archives().write(overlaysOf(sandbox), out);
        }
    }

    /** Returns the files of all sandboxes that run. */
    public SandboxFiles files() {
        return new SandboxFiles(
                idOrName -> {
                    Sandbox sandbox = lookup.find(idOrName);
                    GuestFiles files = sandbox.live("reading and writing files of " + sandbox.id())
                            .guest()
                            .files();
                    return new SandboxFiles.Opened(files, sandbox.use());
                },
                ports.trees());
    }

    /** Returns what all sandboxes that run take. */
    public SandboxUsages stats() {
        return new SandboxUsages(lookup, registry, timer);
    }

    private static Guest overlaysOf(Sandbox sandbox) throws SandboxException {
        return sandbox.live("reading what was written to the overlays of " + sandbox.id())
                .guest();
    }

    /**
     * Ends a sandbox; returns when nothing is left of it.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code TIMEOUT}
     */
    public void delete(String idOrName) throws SandboxException, InterruptedException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        if (live.isPresent()) {
            delete(live.get());
            if (live.get().record().isPresent()) {
                live.get().record().get().awaitOthers(NOTED);
                delete(live.get().record().get());
            }
        } else {
            delete(lookup.findKept(idOrName));
        }
    }

    private void delete(SandboxRecord kept) throws SandboxException, InterruptedException {
        if (!created.delete(kept)) {
            // It was started just now.
            delete(kept.view().id().value());
        }
    }

    /**
     * Has a sandbox stand still, if it does not.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it does not run
     */
    public void pause(String idOrName) throws SandboxException, InterruptedException {
        lookup.find(idOrName).pause();
    }

    /**
     * Lets a sandbox go on, if it is paused.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it does not run
     */
    public void resume(String idOrName) throws SandboxException, InterruptedException {
        lookup.find(idOrName).resume();
    }

    /**
     * Ends a sandbox in order: by a signal to its process, and as {@link #delete} if that has not ended in time or can't be told.
     *
     * @param timeout how long it may take
     * @return whether its process ended in time
     * @throws SandboxException as {@link #delete}; {@code UNAVAILABLE} when the agent is stopping: it may run on
     */
    public boolean stop(String idOrName, int signal, Duration timeout) throws SandboxException, InterruptedException {
        if (lookup.findLive(idOrName).isEmpty()
                && (records.findCreated(idOrName).isPresent()
                        || records.findEnded(idOrName).isPresent())) {
            return true;
        }
        Sandbox sandbox = lookup.find(idOrName);
        LOG.info("{}: stop", sandbox.id());
        if (sandbox.isPaused()) {
            try {
                sandbox.resume();
            } catch (SandboxException e) {
                LOG.warn("{}: resuming it to stop it: {}", sandbox.id(), e.getMessage());
            }
        }
        boolean inTime = awaitProcess(sandbox, signal, timeout);
        if (sandbox.signal().reason().equals(Optional.of(StopReason.AGENT_STOPPING))) {
            throw new SandboxException(
                    SandboxException.Code.UNAVAILABLE, "stopping " + sandbox.id() + ": the agent is stopping");
        }
        if (inTime && sandbox.isStopping()) {
            awaitGone(sandbox, "stopping ");
        } else {
            delete(sandbox);
        }
        return inTime;
    }

    private static boolean awaitProcess(Sandbox sandbox, int signal, Duration timeout) throws InterruptedException {
        try {
            // Its end is not to wait for a reader of its output.
            sandbox.record().ifPresent(record -> record.log().unlimit());
            sandbox.signalProcess(Run.PROCESS_ID, signal);
            var _ = CompletableFuture.anyOf(sandbox.processOver(), sandbox.gone())
                    .get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (SandboxException e) {
            LOG.info("{}: its process can't be told to end: {}", sandbox.id(), e.getMessage());
            return sandbox.processOver().isDone();
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
    }

    private static void delete(Sandbox sandbox) throws SandboxException, InterruptedException {
        LOG.info("{}: delete", sandbox.id());
        sandbox.signal().stop(StopReason.DELETED);
        awaitGone(sandbox, "deleting ");
    }

    private static void awaitGone(Sandbox sandbox, String action) throws SandboxException, InterruptedException {
        Duration patience = Duration.ofSeconds(60);
        try {
            sandbox.gone().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new SandboxException(
                    SandboxException.Code.TIMEOUT,
                    action + sandbox.id() + ": still there after " + patience.toSeconds() + " s. Try again",
                    e);
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
    }

    /**
     * Returns what checks everything that a run needs.
     *
     * @param client whose runs it is about
     * @param observer told each check as it is done
     */
    public Doctor doctor(HostUser client, Consumer<Doctor.Check> observer) {
        return new Doctor(ports, this::driver, accelerators, trial, settings, client, observer);
    }

    /**
     * Returns the host's kernels, the preferred one first.
     *
     * @throws SandboxException {@code PRECONDITION} when they can't be looked at
     */
    public List<KernelReport> kernels() throws SandboxException {
        return ports.kernels().kernels();
    }

    /**
     * Returns the templates that there are, the last used first.
     *
     * @throws SandboxException {@code PRECONDITION} when they can't be looked at
     */
    public List<Template> templates() throws SandboxException {
        return templates.list();
    }

    /**
     * Returns what makes a template.
     *
     * @param spec the sandboxes that are to go on from it; of their mounts and disks it matters alone whether the guest needs a disk
     * @param client who makes these
     */
    public TemplateBuild templateBuild(SandboxSpec spec, HostUser client, Progress progress) {
        return new TemplateBuild(ports, this::driver, accelerators, deadlines, templates, spec, client, progress);
    }

    /**
     * Removes the templates that no sandbox can go on from any more, or all. Sandboxes that go on from one just now are none the worse.
     *
     * @return what was removed
     * @throws SandboxException {@code PRECONDITION} when one can't be removed, or it can't be found out what sandboxes can go on from
     */
    public List<Template> pruneTemplates(boolean all) throws SandboxException {
        return templates.prune(all, this::driver, ports.bootFiles());
    }

    /** Returns the version of the hypervisor's library; empty where it is missing. */
    public String hypervisorVersion() {
        try {
            Optional<HypervisorDriver> known = hypervisors.known(Hypervisors.DEFAULT_URI);
            return known.isPresent() ? known.get().version() : "";
        } catch (SandboxException e) {
            return "";
        }
    }

    /**
     * Takes over what a former agent left: blocks until it is sorted out, at most some 10 s; meant for a thread of its own. Until it has
     * returned, {@link #get}, {@link #list} and {@link #delete} wait for it as long.
     */
    public void reconcile() {
        templates.removeAbandoned();
        try {
            ports.bootFiles().removeAbandoned();
            ports.scratch().removeAbandoned();
        } catch (SandboxException e) {
            LOG.warn("{}", e.getMessage());
        }
        CompletableFuture.allOf(reconciliation.uris().stream()
                        .map(uri -> CompletableFuture.runAsync(() -> reconcile(uri), Thread::startVirtualThread))
                        .toArray(CompletableFuture[]::new))
                .join();
        try {
            reconciliation.settled().join();
            Set<SandboxId> living =
                    registry.all().stream().map(Sandbox::id).collect(Collectors.toCollection(HashSet::new));
            living.addAll(reconciliation.unseen());
            records.endLost(living);
            records.created().map(record -> record.view().id()).forEach(living::add);
            events.goneBut(living, records.former());
        } finally {
            reconciled.complete(null);
        }
    }

    private void reconcile(String uri) {
        try {
            var _ = driver(uri);
        } catch (SandboxException | RuntimeException e) {
            LOG.warn("looking for sandboxes of a former agent on {}: {}", uri, e.getMessage());
        }
    }

    /** Returns how many guests wait for sandboxes. */
    int waiting() {
        return pool.size();
    }

    /** Takes no more runs if there is no sandbox. */
    public boolean closeIfIdle() {
        return registry.closeIfEmpty();
    }

    /**
     * Stops: sandboxes whose client is lost with the agent are destroyed, those that are to be kept are left running, trial
     * boots end.
     */
    public void shutdown(Duration patience) {
        registry.close();
        List<Sandbox> all = registry.all();
        all.forEach(sandbox -> sandbox.signal().stop(StopReason.AGENT_STOPPING));
        CompletableFuture<Void> trials = trial.stop();
        try {
            CompletableFuture.allOf(Stream.concat(
                                    Stream.of(trials, templates.stop(), pool.stop()),
                                    all.stream().map(Sandbox::gone))
                            .toArray(CompletableFuture[]::new))
                    .get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.warn("stopping: some sandboxes are still there after {}", patience);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        events.close();
    }

    private HypervisorDriver driver(String uri) throws SandboxException {
        return hypervisors.driver(uri, driver -> reconciliation.takeOver(uri, driver));
    }

    /** What the use cases need of the world. */
    public record Ports(
            BootFiles bootFiles,
            GuestLink link,
            Consoles consoles,
            Host host,
            KernelInventory kernels,
            Views views,
            ChangeArchives archives,
            TreeArchives trees,
            ScratchFiles scratch) {}

    /**
     * How they go about it.
     *
     * @param guestTree what the guest's initrd is made of
     * @param templates whether guests go on from saved ones
     * @param pool how many guests may wait for sandboxes
     * @param kvmProofDeadline how long a guest may take to answer for KVM to count as working
     */
    public record Settings(
            Path runtimeDirectory,
            Path stateDirectory,
            Path guestTree,
            boolean templates,
            int pool,
            Duration kvmProofDeadline,
            Duration kvmBootDeadline,
            Duration tcgBootDeadline) {}
}
