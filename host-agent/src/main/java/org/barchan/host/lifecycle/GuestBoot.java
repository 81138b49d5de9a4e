package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Console;
import org.barchan.host.port.Consoles;
import org.barchan.host.port.Guest;
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
     * Starts a machine and waits for its guest's answer. What it acquires goes to {@code undo}, also when it throws.
     *
     * @param signal is armed by the caller; stopped with {@code MACHINE_ENDED} when the machine ends, then and later
     * @throws SandboxException {@code TIMEOUT}, {@code LOST} with a diagnosis; what the driver throws
     */
    LiveGuest boot(Plan plan, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        turns.acquire();
        try {
            return bootNow(plan, driver, signal, undo);
        } finally {
            turns.release();
        }
    }

    private LiveGuest bootNow(Plan plan, HypervisorDriver driver, StopSignal signal, Undo undo)
            throws SandboxException, InterruptedException {
        signal.check();
        Path directory = directories.create(plan.id(), plan.runAs(), plan.uri());
        undo.push("remove the runtime directory", () -> directories.remove(plan.id()));
        Machine machine = driver.start(plan.machine(directory));
        // From now on: the first start asks QEMU for all it can do, which says nothing of the guest.
        long start = timer.nanoTime();
        undo.push("destroy the machine", machine::destroy);
        var _ = machine.ended().thenRun(() -> signal.stop(StopReason.MACHINE_ENDED));
        Optional<Console> console = Optional.empty();
        try {
            Console opened = consoles.open(plan.id(), machine.record().consoleSocket());
            console = Optional.of(opened);
            undo.push("close the console", opened::close);
            plan.consoleListener().ifPresent(opened::follow);
            Guest guest = link.open(plan.id(), machine.record().linkSocket());
            undo.push("close the link", guest::close);
            signal.check();
            GuestHello hello = guest.hello(plan.deadline().minusNanos(timer.nanoTime() - start));
            directories.noteBoot(plan.id(), hello.bootId());
            LOG.info(
                    "{}: guest answered after {} ms: kernel {}, {}",
                    plan.id(),
                    (timer.nanoTime() - start) / 1_000_000,
                    hello.kernelRelease(),
                    plan.accelerator());
            return new LiveGuest(machine, opened, guest, hello);
        } catch (SandboxException e) {
            // Whoever stops this interrupts it, which some calls only see as a failure.
            if (signal.reason().isPresent() && !endedWithItsMachine(signal)) {
                throw interrupted(e);
            }
            throw new SandboxException(
                    e.code(),
                    "waiting up to %d s for the guest of %s to come up (%s): %s%s"
                            .formatted(
                                    plan.deadline().toSeconds(),
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

    private static boolean endedWithItsMachine(StopSignal signal) {
        return signal.reason().equals(Optional.of(StopReason.MACHINE_ENDED));
    }

    private static InterruptedException interrupted(SandboxException cause) {
        InterruptedException interrupted = new InterruptedException(cause.getMessage());
        interrupted.initCause(cause);
        return interrupted;
    }

    /**
     * What to boot.
     *
     * @param deadline how long the guest may take to answer once its machine runs
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
            Optional<Consumer<ByteString>> consoleListener) {
        MachineSpec machine(Path runtimeDirectory) {
            return new MachineSpec(
                    new MachineRecord(
                            id, name, createTime, policy, accelerator, files.release(), writesImages, runtimeDirectory),
                    memory,
                    vcpus,
                    files.kernel(),
                    files.initrd(),
                    KernelCommandLine.of(accelerator, debug, kernelArguments),
                    shares,
                    disks,
                    runAs);
        }
    }
}
