package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guests that were booted up to their first answer and saved, for sandboxes to go on from: one for each kind of machine, of whatever
 * shares and disks, since those come later. A template holds nothing of a sandbox. Any that is not as it should be is dropped, and
 * made anew. Safe for use by many threads, and by agents that share the directory.
 */
final class Templates {
    private static final Logger LOG = LoggerFactory.getLogger(Templates.class);
    /** Changes with what a machine consists of besides what is in the key. */
    private static final String LAYOUT = "4";

    private static final int KEPT = 4;
    /** Looking through a guest's memory takes time, and more of it is seldom asked for. */
    private static final MemorySize MOST_MEMORY = MemorySize.ofMebibytes(4096);

    /** The sandbox that would have liked one comes first. */
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final boolean enabled;
    private final TemplateStore store;
    private final GuestBoot boot;
    private final Host host;
    private final Timer timer;
    private final Set<String> ordered = ConcurrentHashMap.newKeySet();
    private final Set<Making> running = ConcurrentHashMap.newKeySet();
    private final Semaphore turn = new Semaphore(1, true);
    private volatile boolean stopped;

    /** @param enabled whether there are any */
    Templates(boolean enabled, Path directory, GuestBoot boot, Host host, Timer timer) {
        this.enabled = enabled;
        this.store = new TemplateStore(directory);
        this.boot = boot;
        this.host = host;
        this.timer = timer;
    }

    /** Returns one for a guest; where there is none, and could be, one is made for those that come later. */
    Optional<Path> find(GuestBoot.Plan plan, HypervisorDriver driver) throws SandboxException {
        if (!enabled || obstacle(plan.debug(), plan.uri(), plan.memory()).isPresent()) {
            return Optional.empty();
        }
        String id = key(plan, driver);
        Optional<Path> file = store.use(id);
        if (file.isEmpty()) {
            order(id, plan, driver);
        }
        return file;
    }

    /**
     * Checks whether sandboxes can go on from a template.
     *
     * @throws SandboxException {@code PRECONDITION}, {@code INVALID} with the reason
     */
    void check(SandboxSpec spec) throws SandboxException {
        if (!enabled) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "templates are off: the agent was started with BARCHAN_TEMPLATES=off. End it (kill "
                            + ProcessHandle.current().pid() + "), and call again without that");
        }
        Optional<String> obstacle = spec.fromTemplate()
                ? obstacle(spec.debug(), spec.libvirtUri(), spec.memory())
                : Optional.of("sandbox.no_template: true (expected: false, since a template is asked for)");
        if (obstacle.isPresent()) {
            throw new SandboxException(SandboxException.Code.INVALID, obstacle.get());
        }
    }

    private static Optional<String> obstacle(boolean debug, String uri, MemorySize memory) {
        if (debug) {
            return Optional.of("sandbox.debug: true (expected: false: what it shows is the boot)");
        }
        if (!uri.equals(Hypervisors.DEFAULT_URI)) {
            return Optional.of("sandbox.libvirt_uri: '" + uri + "' (expected: " + Hypervisors.DEFAULT_URI
                    + ", since no other libvirt is sure to have the agent's files; such sandboxes boot)");
        }
        return memory.bytes() > MOST_MEMORY.bytes()
                ? Optional.of("sandbox.memory_bytes: " + memory.bytes() + " (expected: at most " + MOST_MEMORY.bytes()
                        + " for a template, as saving more takes long; sandboxes with more memory boot)")
                : Optional.empty();
    }

    private void order(String id, GuestBoot.Plan plan, HypervisorDriver driver) {
        if (ordered.add(id)) {
            var _ = timer.after(
                    PAUSE,
                    () -> Thread.ofVirtual().name("template").start(() -> makeOrdered(id, plan.template(), driver)));
        }
    }

    private void makeOrdered(String id, GuestBoot.Plan plan, HypervisorDriver driver) {
        try {
            var _ = make(plan, driver, new Making(), (level, message) -> {});
        } catch (SandboxException | RuntimeException e) {
            // It is not tried again: whatever is wrong, sandboxes start without.
            LOG.warn("making the template {}: {}", id, Printable.lines(e.toString()));
        } catch (InterruptedException e) {
            LOG.info("the template {} is not made: the agent is stopping", id);
        }
    }

    /** Removes one that is no good, and has another made. */
    void drop(Path file, GuestBoot.Plan plan, HypervisorDriver driver) {
        String id = file.getFileName().toString();
        try {
            store.remove(id);
            order(id, plan, driver);
        } catch (SandboxException e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    /** What must be the same for a guest to go on: all but its shares and disks. */
    private String key(GuestBoot.Plan plan, HypervisorDriver driver) throws SandboxException {
        Host.Emulator emulator = host.emulator();
        return Fingerprint.of(
                LAYOUT,
                // Whoever is its QEMU's user could have changed the guest that is saved.
                plan.runAs().uid() + ":" + plan.runAs().gid(),
                plan.files().digest(),
                plan.commandLine(),
                Long.toString(plan.memory().kibibytes()),
                Integer.toString(plan.vcpus()),
                plan.accelerator().toString(),
                // Under KVM the guest has seen the host's own processor.
                plan.accelerator() == Accelerator.KVM ? host.bootId() : "",
                driver.version(),
                emulator.binary().toString(),
                emulator.version(),
                emulator.modified().toString());
    }

    /**
     * Makes one, unless there is one. If this throws, nothing is left of it.
     *
     * @throws SandboxException as {@link GuestBoot#boot}; {@code EXHAUSTED} when it can't be written
     * @throws InterruptedException when it was stopped
     */
    TemplateBuild.Result make(GuestBoot.Plan plan, HypervisorDriver driver, Making making, Progress progress)
            throws SandboxException, InterruptedException {
        String id = key(plan, driver);
        running.add(making);
        if (stopped) {
            making.stop(StopReason.AGENT_STOPPING);
        }
        Undo undo = new Undo(plan.id().value());
        try {
            making.signal().arm();
            if (!turn.tryAcquire()) {
                progress.progress(RunObserver.Level.INFO, "waiting until another template is made");
                turn.acquire();
            }
            undo.push("let the next be made", turn::release);
            Optional<Template> known = store.find(id);
            TemplateBuild.Result result = known.isPresent()
                    ? new TemplateBuild.Result(known.get(), false)
                    : new TemplateBuild.Result(save(id, plan, driver, making, undo, progress), true);
            ordered.remove(id);
            return result;
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    "writing a template: " + RuntimeDirectories.describe(e)
                            + ". Make room, or give the agent's user the right to write there",
                    e);
        } catch (SandboxException e) {
            // Whoever stops this interrupts it, which some calls only see as a failure.
            if (making.isStopped()) {
                throw new InterruptedException(String.valueOf(e.getMessage()));
            }
            throw e;
        } catch (InterruptedException e) {
            if (making.isStopped()) {
                throw e;
            }
            throw new SandboxException(
                    SandboxException.Code.LOST, "making a template: its virtual machine ended too early", e);
        } finally {
            making.signal().disarm();
            making.trial().disarm();
            undo.close(timer, () -> {
                running.remove(making);
                making.over().complete(null);
            });
        }
    }

    private Template save(
            String id, GuestBoot.Plan plan, HypervisorDriver driver, Making making, Undo undo, Progress progress)
            throws SandboxException, IOException, InterruptedException {
        long start = timer.nanoTime();
        Path draft = store.draft();
        undo.push("remove the draft", store::removeDraft);
        progress.progress(
                RunObserver.Level.INFO,
                "booting Linux " + plan.files().release() + " under " + plan.accelerator() + " for a template");
        LiveGuest live = boot.boot(plan, driver, making.signal(), undo);
        prepare(live, plan);
        progress.progress(RunObserver.Level.INFO, "saving it");
        making.signal().disarm();
        live.release();
        live.machine().save(draft);
        progress.progress(RunObserver.Level.INFO, "trying it out");
        making.trial().arm();
        boot.tryOut(plan, draft, driver, making.trial(), undo);
        making.trial().disarm();
        Template template = store.publish(id, plan);
        LOG.info("template {} made in {} ms", id, (timer.nanoTime() - start) / 1_000_000);
        removeUnused();
        return template;
    }

    private static void prepare(LiveGuest live, GuestBoot.Plan plan) throws SandboxException, InterruptedException {
        try {
            live.guest().prepare(plan.files().commonModules());
            live.guest().zeroFreeMemory();
            // What a guest does when its host goes would else be done by all that go on from it.
            live.guest().leave();
        } catch (SandboxException e) {
            throw new SandboxException(
                    e.code(), e.getMessage() + Diagnosis.of(live.machine(), Optional.of(live.console())), e);
        }
    }

    private void removeUnused() throws SandboxException {
        List<Template> all = store.list();
        for (Template unused : all.subList(Math.min(KEPT, all.size()), all.size())) {
            store.remove(unused.id());
        }
    }

    /** Returns all of them, the last used first. */
    List<Template> list() throws SandboxException {
        return store.list();
    }

    /**
     * Removes those that no sandbox can go on from any more, since the kernel, the guest's init, QEMU, libvirt or the processor are others
     * now, and those of which that can't be said.
     *
     * @param all whether to remove the others, too
     * @return what was removed
     */
    List<Template> prune(boolean all, SandboxMaker.DriverSource drivers, BootFiles bootFiles) throws SandboxException {
        store.removeAbandoned();
        List<Template> removed = new ArrayList<>();
        for (Template template : store.list()) {
            if (all || !isCurrent(template, drivers, bootFiles)) {
                store.remove(template.id());
                removed.add(template);
                LOG.info("template {} removed", template.id());
            }
        }
        return removed;
    }

    private boolean isCurrent(Template template, SandboxMaker.DriverSource drivers, BootFiles bootFiles)
            throws SandboxException {
        if (template.description().isEmpty()) {
            return false;
        }
        TemplateDescription description = template.description().get();
        BootFileSet files;
        try {
            files = bootFiles.prepare(description.kernel(), description.disks(), message -> {});
        } catch (SandboxException e) {
            return switch (e.code()) {
                // Its kernel is gone.
                case INVALID, PRECONDITION -> false;
                case NOT_FOUND,
                        ALREADY_EXISTS,
                        DENIED,
                        EXHAUSTED,
                        TIMEOUT,
                        SILENT,
                        LOST,
                        OUT_OF_RANGE,
                        UNAVAILABLE,
                        INTERNAL -> throw e;
            };
        }
        return key(description.plan(files), drivers.driver(Hypervisors.DEFAULT_URI))
                .equals(template.id());
    }

    /** Removes what agents that were killed had begun to make. */
    void removeAbandoned() {
        store.removeAbandoned();
    }

    /**
     * Ends the making of those that are being made, and of those to come.
     *
     * @return completes when nothing is left of it
     */
    CompletableFuture<Void> stop() {
        stopped = true;
        List<Making> all = List.copyOf(running);
        all.forEach(making -> making.stop(StopReason.AGENT_STOPPING));
        return CompletableFuture.allOf(all.stream().map(Making::over).toArray(CompletableFuture[]::new));
    }

    /**
     * One that is being made.
     *
     * @param signal stops its boot, and is stopped by its machine's end, also when that was saved
     * @param trial stops what comes after that
     */
    record Making(StopSignal signal, StopSignal trial, CompletableFuture<Void> over) {
        Making() {
            this(new StopSignal(), new StopSignal(), new CompletableFuture<>());
        }

        void stop(StopReason reason) {
            signal.stop(reason);
            trial.stop(reason);
        }

        /** Whether somebody wants it to end, where it may also have ended by itself. */
        boolean isStopped() {
            return Stream.of(signal, trial)
                    .flatMap(each -> each.reason().stream())
                    .anyMatch(reason -> reason != StopReason.MACHINE_ENDED);
        }
    }
}
