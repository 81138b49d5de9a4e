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

/** Makes sandboxes up to the point where a process can be started in them. Safe for use by many threads. */
final class SandboxMaker {
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
        SandboxSpec spec = order.sandbox();
        HostUser runAs = host.emulatorUser(order.client());
        // First of all, since machines of a former agent that are found now hold their names.
        HypervisorDriver driver = drivers.driver(spec.libvirtUri());
        reserveName(sandbox);
        BootFileSet files = bootFiles.prepare(
                spec.kernel(),
                spec.hasImages(),
                message -> observer.progress(RunObserver.Level.INFO, Printable.line(message)));
        Transports transports =
                new Transports(files, host.virtiofsd(), host.self().uid() == 0);
        // What it holds is needed until QEMU has opened what it shares.
        try (MountPlan mounts = MountPlan.of(spec, transports, shares, scratch, order.client(), runAs)) {
            Optional<LiveGuest> live =
                    make(sandbox, order, observer, driver, runAs, files, mounts, spec.fromTemplate());
            if (live.isPresent()) {
                return live.get();
            }
        }
        try (MountPlan mounts = MountPlan.of(spec, transports, shares, scratch, order.client(), runAs)) {
            return make(sandbox, order, observer, driver, runAs, files, mounts, false)
                    .orElseThrow();
        }
    }

    /** Returns empty when it could not go on from a template. */
    private Optional<LiveGuest> make(
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
        mounts.strayDirectory(order.process(), runAs)
                .ifPresent(warning -> observer.progress(RunObserver.Level.WARNING, Printable.line(warning)));
        mounts.notes().forEach(note -> observer.progress(RunObserver.Level.VERBOSE, Printable.line(note)));
        GuestConfiguration configuration =
                mounts.configuration(sandbox.name(), files, order.process().getIdentity());
        sandbox.signal().check();
        Accelerator accelerator = accelerators.resolve(
                spec.accelerator(),
                new Accelerators.Guest(files, driver, runAs, spec.libvirtUri()),
                observer::progress);
        sandbox.builtFrom(accelerator, files.release());
        observer.sandbox(sandbox.view());
        observer.progress(
                RunObserver.Level.VERBOSE,
                "booting Linux " + files.release() + " under " + accelerator + " as user " + host.nameOf(runAs));
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
        return Optional.of(boot.configure(
                sandbox.id(),
                live,
                configuration,
                warning -> observer.progress(RunObserver.Level.WARNING, Printable.line(warning))));
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
                spec.debug() ? Optional.of(observer::console) : Optional.empty());
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
