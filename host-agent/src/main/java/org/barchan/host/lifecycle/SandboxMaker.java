package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.ScratchFiles;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes sandboxes up to the point where a process can be started in them. Safe for use by many threads. */
final class SandboxMaker {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxMaker.class);
    private static final Duration NAME_WAIT = Duration.ofSeconds(15);

    private final Registry registry;
    private final DriverSource drivers;
    private final BootFiles bootFiles;
    private final Host host;
    private final HostShares shares;
    private final ScratchFiles scratch;
    private final Accelerators accelerators;
    private final GuestBoot boot;
    private final Templates templates;
    private final BootDeadlines deadlines;

    SandboxMaker(
            Registry registry,
            DriverSource drivers,
            BootFiles bootFiles,
            Host host,
            HostShares shares,
            ScratchFiles scratch,
            Accelerators accelerators,
            GuestBoot boot,
            Templates templates,
            BootDeadlines deadlines) {
        this.registry = registry;
        this.drivers = drivers;
        this.bootFiles = bootFiles;
        this.host = host;
        this.shares = shares;
        this.scratch = scratch;
        this.accelerators = accelerators;
        this.boot = boot;
        this.templates = templates;
        this.deadlines = deadlines;
    }

    /** Makes a sandbox; what it acquires goes to the sandbox's undo, also when it throws. The sandbox's signal is armed. */
    LiveGuest make(Sandbox sandbox, RunOrder order, RunObserver observer)
            throws SandboxException, InterruptedException {
        // First of all, since machines of a former agent that are found now hold their names.
        HypervisorDriver driver = drivers.driver(order.sandbox().libvirtUri());
        reserveName(sandbox);
        return make(sandbox, order, observer, driver);
    }

    private LiveGuest make(Sandbox sandbox, RunOrder order, RunObserver observer, HypervisorDriver driver)
            throws SandboxException, InterruptedException {
        // What is shared is held until QEMU has opened it.
        try (Made made = prepare(sandbox, order, observer, driver)) {
            return made.live();
        }
    }

    /** Makes what can become a sandbox of this order: see {@link #takeUp}. As {@link #make}, but nobody finds it. */
    Made prepare(Sandbox nobodys, RunOrder order, RunObserver observer) throws SandboxException, InterruptedException {
        return prepare(nobodys, order, observer, drivers.driver(order.sandbox().libvirtUri()));
    }

    /**
     * Has a guest that has waited become a sandbox; makes another one where that fails. As {@link #make}, but the signal is armed here.
     * The sandbox has the signal and the id of what has waited.
     */
    LiveGuest takeUp(Sandbox sandbox, Pool.Waiting waiting, RunOrder order, RunObserver observer)
            throws SandboxException, InterruptedException {
        SandboxException unfit;
        try {
            sandbox.signal().arm();
            LiveGuest live = takeUp(sandbox, waiting.made(), order, observer);
            waiting.handTo(sandbox);
            return live;
        } catch (SandboxException e) {
            if (e.code() != SandboxException.Code.LOST && e.code() != SandboxException.Code.TIMEOUT) {
                throw e;
            }
            unfit = e;
        } catch (InterruptedException e) {
            if (!GuestBoot.endedWithItsMachine(sandbox.signal())) {
                throw e;
            }
            unfit = new SandboxException(SandboxException.Code.LOST, "its machine has ended", e);
        }
        LOG.warn(
                "{}: its guest is made anew, since the one that has waited does not do: {}",
                sandbox.id(),
                Printable.lines(String.valueOf(unfit.getMessage())));
        waiting.made().close();
        boot.discard(waiting.nobodys().undo(), sandbox.signal(), sandbox.undo(), unfit);
        return make(sandbox, order, observer);
    }

    private LiveGuest takeUp(Sandbox sandbox, Made made, RunOrder order, RunObserver observer)
            throws SandboxException, InterruptedException {
        SandboxSpec spec = order.sandbox();
        reserveName(sandbox);
        BootFileSet files = bootFiles.prepare(spec.kernel(), spec.hasImages(), message -> {});
        Accelerator accelerator = accelerator(order, made.driver(), files, made.runAs(), observer);
        if (!files.digest().equals(made.files().digest())
                || accelerator != made.live().machine().record().accelerator()) {
            throw new SandboxException(SandboxException.Code.LOST, "its kernel or accelerator is another now");
        }
        tell(made.mounts(), order, made.runAs(), observer);
        sandbox.builtFrom(accelerator, files.release());
        observer.sandbox(sandbox.view());
        made.live().guest().personalize(sandbox.name());
        observer.reached(RunObserver.Phase.CONFIGURED);
        observer.progress(RunObserver.Level.VERBOSE, "the guest has waited");
        return made.live();
    }

    private Made prepare(Sandbox sandbox, RunOrder order, RunObserver observer, HypervisorDriver driver)
            throws SandboxException, InterruptedException {
        SandboxSpec spec = order.sandbox();
        HostUser runAs = host.emulatorUser(order.client());
        BootFileSet files = bootFiles.prepare(
                spec.kernel(),
                spec.hasImages(),
                message -> observer.progress(RunObserver.Level.INFO, Printable.line(message)));
        Optional<Made> restored = prepare(sandbox, order, observer, driver, runAs, files, spec.fromTemplate());
        return restored.isPresent()
                ? restored.get()
                : prepare(sandbox, order, observer, driver, runAs, files, false).orElseThrow();
    }

    /** Returns empty when it could not go on from a template. */
    private Optional<Made> prepare(
            Sandbox sandbox,
            RunOrder order,
            RunObserver observer,
            HypervisorDriver driver,
            HostUser runAs,
            BootFileSet files,
            boolean fromTemplate)
            throws SandboxException, InterruptedException {
        Transports transports =
                new Transports(files, host.virtiofsd(), host.self().uid() == 0);
        MountPlan mounts = MountPlan.of(order.sandbox(), transports, shares, scratch, order.client(), runAs);
        Optional<Made> made = Optional.empty();
        try {
            made = start(sandbox, order, observer, driver, runAs, files, mounts, fromTemplate)
                    .map(live -> new Made(live, mounts, files, driver, runAs));
            return made;
        } finally {
            if (made.isEmpty()) {
                mounts.close();
            }
        }
    }

    private Optional<LiveGuest> start(
            Sandbox sandbox,
            RunOrder order,
            RunObserver observer,
            HypervisorDriver driver,
            HostUser runAs,
            BootFileSet files,
            MountPlan mounts,
            boolean fromTemplate)
            throws SandboxException, InterruptedException {
        SandboxSpec spec = order.sandbox();
        tell(mounts, order, runAs, observer);
        GuestConfiguration configuration =
                mounts.configuration(sandbox.name(), files, order.process().getIdentity());
        sandbox.signal().check();
        Accelerator accelerator = accelerator(order, driver, files, runAs, observer);
        sandbox.builtFrom(accelerator, files.release());
        observer.sandbox(sandbox.view());
        observer.progress(
                RunObserver.Level.VERBOSE,
                "booting Linux " + files.release() + " under " + accelerator + " as user " + host.nameOf(runAs));
        observer.reached(RunObserver.Phase.PREPARED);
        Optional<LiveGuest> started;
        try {
            GuestBoot.Plan plan = plan(sandbox, spec, mounts, files, accelerator, runAs, observer);
            started = fromTemplate
                    ? boot.start(plan, templates, driver, sandbox.signal(), sandbox.undo())
                    : Optional.of(boot.boot(plan, driver, sandbox.signal(), sandbox.undo()));
        } catch (SandboxException e) {
            throw new SandboxException(e.code(), mounts.disks().named(String.valueOf(e.getMessage())), e);
        }
        if (started.isEmpty()) {
            return started;
        }
        LiveGuest live = started.get();
        observer.progress(
                RunObserver.Level.VERBOSE,
                live.restored()
                        ? "the guest goes on from a template"
                        : "init answered %.1f ms after its start"
                                .formatted((live.hello().helloMicros()
                                                - live.hello().initExecMicros())
                                        / 1000.0));
        return Optional.of(boot.configure(sandbox.id(), live, configuration, observer));
    }

    private static void tell(MountPlan mounts, RunOrder order, HostUser runAs, RunObserver observer) {
        mounts.strayDirectory(order.process(), runAs)
                .ifPresent(warning -> observer.progress(RunObserver.Level.WARNING, Printable.line(warning)));
        mounts.notes().forEach(note -> observer.progress(RunObserver.Level.VERBOSE, Printable.line(note)));
    }

    private Accelerator accelerator(
            RunOrder order, HypervisorDriver driver, BootFileSet files, HostUser runAs, RunObserver observer)
            throws SandboxException, InterruptedException {
        SandboxSpec spec = order.sandbox();
        return accelerators.resolve(
                spec.accelerator(),
                new Accelerators.Guest(files, driver, runAs, spec.libvirtUri()),
                observer::progress);
    }

    /**
     * A guest that is configured, and what it was made of.
     *
     * @param mounts what it has of the host; held until this is closed, for those that were not opened yet
     */
    record Made(LiveGuest live, MountPlan mounts, BootFileSet files, HypervisorDriver driver, HostUser runAs)
            implements AutoCloseable {
        @Override
        public void close() {
            mounts.close();
        }
    }

    private GuestBoot.Plan plan(
            Sandbox sandbox,
            SandboxSpec spec,
            MountPlan mounts,
            BootFileSet files,
            Accelerator accelerator,
            HostUser runAs,
            RunObserver observer) {
        return new GuestBoot.Plan(
                sandbox.id(),
                sandbox.name(),
                sandbox.createTime(),
                sandbox.clientLostPolicy(),
                accelerator,
                files,
                spec.memory(),
                spec.vcpus(),
                spec.debug(),
                spec.kernelArguments(),
                mounts.machineShares(),
                mounts.disks().disks(),
                spec.writesImages(),
                runAs,
                spec.libvirtUri(),
                deadlines.of(accelerator),
                Optional.of(observer));
    }

    private void reserveName(Sandbox sandbox) throws SandboxException, InterruptedException {
        while (true) {
            Future<Void> free = registry.reserve(sandbox);
            if (free.isDone() && registry.find(sandbox.id().value()).isPresent()) {
                return;
            }
            try {
                free.get(NAME_WAIT.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                throw new SandboxException(
                        SandboxException.Code.ALREADY_EXISTS,
                        "creating sandbox '" + sandbox.name()
                                + "': an earlier sandbox of that name is still being taken" + " down after "
                                + NAME_WAIT.toSeconds() + " s. Choose another name",
                        e);
            } catch (ExecutionException e) {
                throw new AssertionError("it never fails", e);
            }
        }
    }

    /** Returns hypervisors, their former machines taken over. */
    @FunctionalInterface
    interface DriverSource {
        HypervisorDriver driver(String uri) throws SandboxException;
    }

    /** How long a guest may take to answer. */
    record BootDeadlines(Duration kvm, Duration tcg) {
        Duration of(Accelerator accelerator) {
            return switch (accelerator) {
                case KVM -> kvm;
                case TCG -> tcg;
            };
        }
    }
}
