package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.barchan.host.lifecycle.Doctor.Check.Outcome;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.SandboxException;

/**
 * One examination: checks everything that a run needs, in the order of a run, and says what to do about each that is not there.
 */
public final class Doctor {
    private static final long MIB = 1024 * 1024;

    private final Sandboxes.Ports ports;
    private final SandboxMaker.DriverSource drivers;
    private final Accelerators accelerators;
    private final TrialBoot trial;
    private final Sandboxes.Settings settings;
    private final HostUser client;
    private final Consumer<Check> observer;
    private final StopSignal signal = new StopSignal();

    /**
     * @param client whose runs it is about
     * @param observer told each check as it is done
     */
    Doctor(
            Sandboxes.Ports ports,
            SandboxMaker.DriverSource drivers,
            Accelerators accelerators,
            TrialBoot trial,
            Sandboxes.Settings settings,
            HostUser client,
            Consumer<Check> observer) {
        this.ports = ports;
        this.drivers = drivers;
        this.accelerators = accelerators;
        this.trial = trial;
        this.settings = settings;
        this.client = client;
        this.observer = observer;
    }

    /**
     * Checks all; takes up to a minute. A check that needs something that an earlier one has found missing says so.
     *
     * @throws InterruptedException when it was cancelled
     */
    public void examine() throws InterruptedException {
        HostUser runAs = ports.host().emulatorUser(client);
        observer.accept(architecture());
        Optional<HypervisorDriver> driver = libvirt();
        observer.accept(qemu(runAs));
        observer.accept(kernels());
        observer.accept(guestInit());
        observer.accept(directory("runtime directory", settings.runtimeDirectory(), 1));
        observer.accept(directory("state directory", settings.stateDirectory(), 256));
        signal.check();
        Optional<BootFileSet> files = bootFiles();
        if (driver.isEmpty() || files.isEmpty()) {
            Check skipped = Check.failed("guest boot", "not tried: what it needs is missing", "mend the above first");
            observer.accept(skipped);
            return;
        }
        var guest = new Accelerators.Guest(files.get(), driver.get(), runAs, Hypervisors.DEFAULT_URI);
        observer.accept(kvm(guest));
        observer.accept(emulation(guest));
    }

    /** Ends it, a guest that boots for it included; returns at once. May be called by any thread, and at any time. */
    public void cancel() {
        signal.stop(StopReason.CLIENT_LOST);
    }

    private Check architecture() {
        String architecture = ports.host().architecture();
        return architecture.equals("x86_64") || architecture.equals("amd64")
                ? Check.ok("host architecture", architecture)
                : Check.failed("host architecture", architecture, "use an x86-64 machine: no other is supported yet");
    }

    private Optional<HypervisorDriver> libvirt() {
        try {
            HypervisorDriver driver = drivers.driver(Hypervisors.DEFAULT_URI);
            observer.accept(
                    Check.ok("libvirt", "version " + driver.version() + ", " + Hypervisors.DEFAULT_URI + " opened"));
            return Optional.of(driver);
        } catch (SandboxException e) {
            observer.accept(Check.failed(
                    "libvirt",
                    text(e),
                    "install libvirt's library and QEMU driver: apt-get install libvirt-daemon-driver-qemu libvirt0"));
            return Optional.empty();
        }
    }

    private Check qemu(HostUser runAs) {
        try {
            Host.Emulator emulator = ports.host().emulator();
            return Check.ok(
                    "qemu",
                    emulator.version() + " (" + emulator.binary() + "), run as user "
                            + ports.host().nameOf(runAs));
        } catch (SandboxException e) {
            return Check.failed("qemu", text(e), "install QEMU: apt-get install qemu-system-x86");
        }
    }

    private Check kernels() {
        List<KernelReport> findings;
        try {
            findings = ports.kernels().kernels();
        } catch (SandboxException e) {
            return Check.failed("kernels", text(e), "install a kernel: apt-get install linux-image-amd64");
        }
        String detail = findings.stream()
                .map(f -> f.release()
                        + f.problem()
                                .map(problem -> " (not usable: " + problem + ")")
                                .orElse(" (usable)"))
                .collect(Collectors.joining("; "));
        return findings.stream().anyMatch(KernelReport::usable)
                ? Check.ok("kernels", detail)
                : Check.failed(
                        "kernels",
                        findings.isEmpty() ? "none below /boot" : detail,
                        "install a kernel that has the 9p file system: apt-get install linux-image-amd64");
    }

    private Check guestInit() {
        Path init = settings.guestTree().resolve("init");
        return Files.isExecutable(init)
                ? Check.ok("guest init", init.toString())
                : Check.failed("guest init", init + " is not there or not executable", "build it: make");
    }

    private static Check directory(String check, Path directory, long neededMebibytes) {
        try {
            long free = Files.getFileStore(directory).getUsableSpace() / MIB;
            String detail = directory + ", " + free + " MiB free";
            if (!Files.isWritable(directory)) {
                return Check.failed(check, directory + " is not writable", "chown it to the agent's user");
            }
            return free >= neededMebibytes
                    ? Check.ok(check, detail)
                    : Check.warning(check, detail, "make room: " + neededMebibytes + " MiB are needed");
        } catch (IOException e) {
            return Check.failed(check, RuntimeDirectories.describe(e), "make the directory " + directory);
        }
    }

    private Optional<BootFileSet> bootFiles() {
        try {
            BootFileSet files = ports.bootFiles().prepare(new KernelChoice.Newest(), false, message -> {});
            observer.accept(Check.ok("boot files", "Linux " + files.release() + ", " + files.kernel()));
            return Optional.of(files);
        } catch (SandboxException e) {
            observer.accept(Check.failed("boot files", text(e), "mend the above first"));
            return Optional.empty();
        }
    }

    private Check kvm(Accelerators.Guest guest) throws InterruptedException {
        try {
            signal.arm();
            return switch (accelerators.verdict(guest, (level, message) -> {})) {
                case KvmVerdict.Works() -> Check.ok("kvm", "a guest boots under KVM");
                case KvmVerdict.Fails(String reason) ->
                    Check.warning(
                            "kvm",
                            reason + "; sandboxes are emulated (TCG): slow, and no security boundary",
                            "use a machine whose KVM works; the check is made anew after a reboot, or when "
                                    + settings.stateDirectory().resolve("accelerator") + " is removed");
            };
        } catch (SandboxException e) {
            return Check.warning("kvm", text(e), "mend the above first");
        } finally {
            signal.disarm();
        }
    }

    private Check emulation(Accelerators.Guest guest) throws InterruptedException {
        try {
            Duration time = trial.run(
                    Accelerator.TCG,
                    guest.files(),
                    guest.driver(),
                    guest.runAs(),
                    guest.uri(),
                    settings.tcgBootDeadline(),
                    signal);
            return Check.ok("guest boot", "a guest answered after %.1f s under TCG".formatted(time.toMillis() / 1e3));
        } catch (SandboxException e) {
            return Check.failed("guest boot", text(e), "see the guest's console and QEMU's log in the detail");
        }
    }

    private static String text(SandboxException e) {
        return Printable.lines(String.valueOf(e.getMessage()));
    }

    /**
     * The result of one check.
     *
     * @param remedy what to do; empty when there is nothing to do
     */
    public record Check(String check, Outcome outcome, String detail, String remedy) {
        static Check ok(String check, String detail) {
            return new Check(check, Outcome.OK, detail, "");
        }

        static Check warning(String check, String detail, String remedy) {
            return new Check(check, Outcome.WARNING, detail, remedy);
        }

        static Check failed(String check, String detail, String remedy) {
            return new Check(check, Outcome.FAILED, detail, remedy);
        }

        /** How a check went. */
        public enum Outcome {
            OK,
            /** Sandboxes run, with a drawback. */
            WARNING,
            /** Sandboxes don't run. */
            FAILED
        }
    }
}
