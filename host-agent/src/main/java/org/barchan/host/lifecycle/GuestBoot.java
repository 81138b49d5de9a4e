package org.barchan.host.lifecycle;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Console;
import org.barchan.host.port.Consoles;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.GuestLink;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelArgument;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Boots guests up to their first answer. Safe for use by many threads. */
final class GuestBoot {
    private static final Logger LOG = LoggerFactory.getLogger(GuestBoot.class);

    /** A guest that goes on from a template has nothing to do before it answers: some 0.2 s on a busy host. */
    private static final Duration RESTORE = Duration.ofSeconds(5);

    private final RuntimeDirectories directories;
    private final Consoles consoles;
    private final GuestLink link;
    private final Timer timer;
    // A guest that boots keeps a processor busy. Were all of twenty to boot at a time, each would miss its deadline.
    private final Semaphore turns;

    GuestBoot(RuntimeDirectories directories, Consoles consoles, GuestLink link, Timer timer, int processors) {
        this.directories = directories;
        this.consoles = consoles;
        this.link = link;
        this.timer = timer;
        this.turns = new Semaphore(Math.max(2, 2 * processors), true);
    }

    /**
     * Starts a machine, which goes on from a template if there is one, and waits for its guest's answer. What it acquires goes to
     * {@code undo}, also when it throws.
     *
     * @param signal is armed by the caller; stopped with {@code MACHINE_ENDED} when the machine ends, then and later
     * @return empty if it could not go on from a template: {@link #boot} it anew, as what was shared with that machine is used up
     * @throws SandboxException {@code TIMEOUT}, {@code LOST} with a diagnosis; what the driver throws
     */
    Optional<LiveGuest> start(Plan plan, Templates templates, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        Optional<Path> template = templates.find(plan, driver);
        if (template.isEmpty()) {
            return Optional.of(boot(plan, driver, signal, undo));
        }
        return restore(plan, template.get(), templates, driver, signal, undo);
    }

    /** Returns empty if that did not work and nothing is left of it. */
    private Optional<LiveGuest> restore(
            Plan plan, Path template, Templates templates, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        Undo attempt = new Undo(plan.id().value());
        try {
            LiveGuest live = inTurn(plan, Optional.of(template), driver, signal, attempt);
            undo.takeOver(attempt);
            return Optional.of(live);
        } catch (SandboxException e) {
            discard(attempt, signal, undo, e);
            LOG.warn(
                    "{}: it boots, since it can't go on from the template {}: {}",
                    plan.id(),
                    template.getFileName(),
                    Printable.lines(String.valueOf(e.getMessage())));
            // What else went wrong may be the sandbox's doing.
            if (e.code() == SandboxException.Code.LOST || e.code() == SandboxException.Code.TIMEOUT) {
                templates.drop(template, plan, driver);
            }
            return Optional.empty();
        } catch (InterruptedException | RuntimeException | Error e) {
            undo.takeOver(attempt);
            throw e;
        }
    }

    /**
     * Undoes an attempt, so that another may follow: {@code signal} is armed, and knows nothing of that machine's end.
     *
     * @param undo gets what is left of it
     * @param cause thrown if something is
     */
    void discard(Undo attempt, StopSignal signal, Undo undo, SandboxException cause)
            throws SandboxException, InterruptedException {
        signal.disarm();
        AtomicBoolean gone = new AtomicBoolean();
        attempt.close(timer, () -> gone.set(true));
        signal.forget(StopReason.MACHINE_ENDED);
        if (!gone.get()) {
            undo.takeOver(attempt);
            throw cause;
        }
        signal.arm();
    }

    /**
     * Starts a machine and waits until its guest has booted and answers. What it acquires goes to {@code undo}, also when it throws.
     *
     * @param signal as for {@link #start}
     * @throws SandboxException as {@link #start}
     */
    LiveGuest boot(Plan plan, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        return inTurn(plan, Optional.empty(), driver, signal, undo);
    }

    /**
     * Sees whether a guest can go on from a template. What it acquires goes to {@code undo}, also when it throws.
     *
     * @param plan of what was saved
     * @throws SandboxException when it can't
     */
    void tryOut(Plan plan, Path template, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        var _ = inTurn(plan.template(), Optional.of(template), driver, signal, undo);
    }

    private LiveGuest inTurn(Plan plan, Optional<Path> template, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        turns.acquire();
        try {
            return bootNow(plan, template, driver, signal, undo);
        } finally {
            turns.release();
        }
    }

    private LiveGuest bootNow(Plan plan, Optional<Path> template, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        signal.check();
        Path directory = directories.create(plan.id(), plan.runAs(), plan.uri());
        undo.push("remove the runtime directory", () -> directories.remove(plan.id()));
        Duration deadline = template.isPresent() && RESTORE.compareTo(plan.deadline()) < 0 ? RESTORE : plan.deadline();
        Machine machine = driver.start(plan.machine(directory, template));
        plan.observer().ifPresent(observer -> observer.reached(RunObserver.Phase.MACHINE));
        // From now on: the first start asks QEMU for all it can do, which says nothing of the guest.
        long start = timer.nanoTime();
        undo.push("destroy the machine", machine::destroy);
        Minding minding = new Minding(signal);
        var _ = machine.ended().thenRun(minding::end);
        undo.push("mind its end no more", minding::stop);
        if (template.isPresent()) {
            machine.restore();
        }
        Optional<Console> console = Optional.empty();
        try {
            Console opened = consoles.open(plan.id(), machine.record().consoleSocket());
            console = Optional.of(opened);
            undo.push("close the console", opened::close);
            plan.observer().filter(_ -> plan.debug()).ifPresent(observer -> opened.follow(observer::console));
            Guest guest = link.open(plan.id(), machine.record().linkSocket());
            undo.push("close the link", guest::close);
            signal.check();
            GuestHello hello = guest.hello(deadline.minusNanos(timer.nanoTime() - start));
            plan.observer().ifPresent(observer -> observer.reached(RunObserver.Phase.GUEST));
            LOG.info(
                    "{}: {} answered after {} ms: kernel {}, {}",
                    plan.id(),
                    template.isPresent() ? "restored guest" : "guest",
                    (timer.nanoTime() - start) / 1_000_000,
                    hello.kernelRelease(),
                    plan.accelerator());
            return new LiveGuest(machine, opened, guest, hello, template.isPresent());
        } catch (SandboxException e) {
            // Whoever stops this interrupts it, which some calls only see as a failure.
            if (signal.reason().isPresent() && !endedWithItsMachine(signal)) {
                throw interrupted(e);
            }
            throw new SandboxException(
                    e.code(),
                    "waiting up to %d s for the guest of %s to come up (%s): %s%s"
                            .formatted(
                                    deadline.toSeconds(),
                                    plan.id(),
                                    plan.accelerator(),
                                    e.getMessage(),
                                    Diagnosis.of(machine, console)),
                    e);
        } catch (InterruptedException e) {
            if (endedWithItsMachine(signal)) {
                throw new SandboxException(
                        SandboxException.Code.LOST,
                        "booting the guest of %s (%s): its virtual machine ended before the guest answered%s"
                                .formatted(plan.id(), plan.accelerator(), Diagnosis.of(machine, console)),
                        e);
            }
            throw e;
        }
    }

    /**
     * Makes the sandbox in a guest.
     *
     * @param observer is told what to beware of, and how far it is
     * @throws SandboxException what the guest says
     */
    LiveGuest configure(SandboxId id, LiveGuest live, GuestConfiguration configuration, RunObserver observer)
            throws SandboxException, InterruptedException {
        Guest.Configured configured = live.guest().configure(configuration, live.restored());
        observer.guestDid(configured.steps());
        observer.reached(RunObserver.Phase.CONFIGURED);
        configured.warnings().forEach(warning -> observer.progress(RunObserver.Level.WARNING, Printable.line(warning)));
        directories.noteBoot(id, configured.bootId());
        return live.configured(configured.bootId());
    }

    static boolean endedWithItsMachine(StopSignal signal) {
        return signal.reason().equals(Optional.of(StopReason.MACHINE_ENDED));
    }

    private static InterruptedException interrupted(SandboxException cause) {
        InterruptedException interrupted = new InterruptedException(cause.getMessage());
        interrupted.initCause(cause);
        return interrupted;
    }

    /** Tells of the end of a machine until nobody wants to know. */
    private static final class Minding {
        private final StopSignal signal;
        private boolean stopped;

        Minding(StopSignal signal) {
            this.signal = signal;
        }

        synchronized void end() {
            if (!stopped) {
                signal.stop(StopReason.MACHINE_ENDED);
            }
        }

        synchronized void stop() {
            stopped = true;
        }
    }

    /**
     * What to boot.
     *
     * @param deadline how long the guest may take to answer once its machine runs
     * @param observer is told how far it is, and what comes over the console of one to debug
     */
    record Plan(
            SandboxId id,
            SandboxName name,
            Instant createTime,
            ClientLostPolicy policy,
            Accelerator accelerator,
            BootFileSet files,
            MemorySize memory,
            int vcpus,
            boolean debug,
            List<KernelArgument> kernelArguments,
            List<MachineSpec.Share> shares,
            List<MachineSpec.Disk> disks,
            boolean writesImages,
            HostUser runAs,
            String uri,
            Duration deadline,
            Optional<RunObserver> observer) {
        /**
         * Returns a machine that is nobody's sandbox: without shares and disks, gone with its agent.
         *
         * @param purpose what its name begins with
         */
        static Plan bare(
                String purpose,
                Accelerator accelerator,
                BootFileSet files,
                MemorySize memory,
                int vcpus,
                List<KernelArgument> kernelArguments,
                HostUser runAs,
                String uri,
                Duration deadline) {
            SandboxId id = SandboxId.random();
            return new Plan(
                    id,
                    new SandboxName(purpose + "-" + id.value()),
                    Instant.now(),
                    ClientLostPolicy.DELETE,
                    accelerator,
                    files,
                    memory,
                    vcpus,
                    false,
                    kernelArguments,
                    List.of(),
                    List.of(),
                    false,
                    runAs,
                    uri,
                    deadline,
                    Optional.empty());
        }

        /** Returns what is saved for others of the kind to go on from. */
        Plan template() {
            return bare("template", accelerator, files, memory, vcpus, kernelArguments, runAs, uri, deadline);
        }

        String commandLine() {
            return KernelCommandLine.of(accelerator, debug, kernelArguments);
        }

        MachineSpec machine(Path runtimeDirectory, Optional<Path> template) {
            return new MachineSpec(
                    new MachineRecord(
                            id, name, createTime, policy, accelerator, files.release(), writesImages, runtimeDirectory),
                    memory,
                    vcpus,
                    files.kernel(),
                    files.initrd(),
                    commandLine(),
                    shares,
                    disks,
                    runAs,
                    template);
        }
    }
}
