package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.WorkingDirectoryPolicy;

/** Makes sandboxes up to the point where a process can be started in them. Safe for use by many threads. */
final class SandboxMaker {
    private static final String ROOT_TAG = "root";
    /** Programs need them to be writable, and the host's are not for sandboxes. */
    private static final List<Mount> MEMORY = Stream.of("/tmp", "/var/tmp", "/run")
            .<Mount>map(target -> new Mount.Memory(new GuestPath(target), 0, 01777, false))
            .toList();

    private static final List<String> NEEDED_DIRECTORIES = List.of("proc", "sys", "dev");
    private static final Duration NAME_WAIT = Duration.ofSeconds(15);

    private final Registry registry;
    private final DriverSource drivers;
    private final BootFiles bootFiles;
    private final Host host;
    private final Accelerators accelerators;
    private final GuestBoot boot;
    private final BootDeadlines deadlines;

    SandboxMaker(
            Registry registry,
            DriverSource drivers,
            BootFiles bootFiles,
            Host host,
            Accelerators accelerators,
            GuestBoot boot,
            BootDeadlines deadlines) {
        this.registry = registry;
        this.drivers = drivers;
        this.bootFiles = bootFiles;
        this.host = host;
        this.accelerators = accelerators;
        this.boot = boot;
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
        checkRoot(spec.root(), runAs);
        List<Placed> mounts = place(spec.mounts(), runAs);
        warnOfCoveredDirectory(order, mounts, observer);
        boolean lacksTargets = mounts.stream().anyMatch(mount -> lacks(spec.root(), mount));
        BootFileSet files = bootFiles.prepare(
                spec.kernel(), message -> observer.progress(RunObserver.Level.INFO, Printable.line(message)));
        List<String> modules = modules(spec, files, lacksTargets);
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
        LiveGuest live = boot.boot(
                plan(sandbox, spec, shares(spec, mounts), files, accelerator, runAs, observer),
                driver,
                sandbox.signal(),
                sandbox.undo());
        sandbox.running(live);
        observer.progress(
                RunObserver.Level.VERBOSE,
                "init answered %.1f ms after its start"
                        .formatted((live.hello().helloMicros() - live.hello().initExecMicros()) / 1000.0));
        live.guest()
                .configure(new GuestConfiguration(
                        sandbox.name(),
                        new GuestConfiguration.Root(ROOT_TAG, spec.rootAccess(), lacksTargets),
                        mounts,
                        modules));
        observer.sandbox(sandbox.view());
        return live;
    }

    private GuestBoot.Plan plan(
            Sandbox sandbox,
            SandboxSpec spec,
            List<MachineSpec.Share> shares,
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
                shares,
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

    /** What the sandbox has anyway, and what was ordered; directories of the host have been checked. */
    private List<Placed> place(List<Mount> ordered, HostUser runAs) throws SandboxException {
        List<Placed> placed = new ArrayList<>();
        MEMORY.forEach(mount -> placed.add(new Placed(mount, "", true)));
        for (Mount mount : ordered) {
            String tag = "";
            if (mount instanceof Mount.HostDirectory directory) {
                checkDirectory(directory, runAs);
                tag = "mount" + placed.size();
            }
            placed.add(new Placed(mount, tag, false));
        }
        return placed;
    }

    /** Whoever works below the host's /tmp would wonder where the files are. */
    private static void warnOfCoveredDirectory(RunOrder order, List<Placed> mounts, RunObserver observer) {
        ByteString directory = order.process().getWorkingDirectory();
        if (directory.isEmpty()
                || order.process().getWorkingDirectoryPolicy()
                        == WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_REQUIRED) {
            return;
        }
        String raw = directory.toString(StandardCharsets.ISO_8859_1);
        String path = directory.toStringUtf8();
        mounts.stream()
                .filter(placed ->
                        GuestPath.isAtOrBelow(raw, placed.mount().target().raw()))
                .reduce((above, below) -> below)
                .filter(Placed::optional)
                .ifPresent(own -> observer.progress(
                        RunObserver.Level.WARNING,
                        Printable.line("the working directory " + path + " is not the host's: a sandbox has a "
                                + own.mount().target()
                                + " of its own, which is empty. To see it there, mount it: --mount"
                                + " type=bind,src=" + path + ",dst=" + path)));
    }

    private static List<MachineSpec.Share> shares(SandboxSpec spec, List<Placed> mounts) {
        List<MachineSpec.Share> shares = new ArrayList<>();
        shares.add(new MachineSpec.Share(ROOT_TAG, spec.root(), true));
        for (Placed placed : mounts) {
            if (placed.mount() instanceof Mount.HostDirectory directory) {
                shares.add(new MachineSpec.Share(
                        placed.tag(), directory.source(), !(directory.access() instanceof Access.ReadWrite)));
            }
        }
        return shares;
    }

    /** Where the root surely has a place for a mount, the guest needs no layer to make it in. Only the guest knows for sure. */
    private static boolean lacks(Path root, Placed placed) {
        return !placed.optional()
                && !Files.isDirectory(
                        root.resolve(placed.mount().target().toString().substring(1)));
    }

    private static List<String> modules(SandboxSpec spec, BootFileSet files, boolean lacksTargets)
            throws SandboxException {
        boolean overlays = spec.rootAccess() instanceof Access.Overlay
                || spec.mounts().stream()
                        .anyMatch(mount -> mount instanceof Mount.HostDirectory directory
                                && directory.access() instanceof Access.Overlay);
        if (!overlays && !lacksTargets) {
            return files.rootModules();
        }
        List<String> overlay = files.overlayModules()
                .orElseThrow(() -> precondition("mounting in the sandbox: the kernel " + files.release()
                        + " has no module overlay, which takes "
                        + (overlays
                                ? "what is written to an overlay"
                                : "the directories that are mounted on and that the root lacks")
                        + ". Choose another kernel"
                        + (overlays ? ", or no overlay" : ", or make them on the host")));
        return Stream.concat(files.rootModules().stream(), overlay.stream()).toList();
    }

    private void checkDirectory(Mount.HostDirectory mount, HostUser runAs) throws SandboxException {
        String action = "mounting " + mount.source() + " on " + mount.target();
        checkReadable(action, mount.source(), runAs, "Name a directory of this host");
        if (mount.access() instanceof Access.ReadWrite && !host.mayWrite(mount.source(), runAs)) {
            throw precondition(action + ": QEMU runs as user " + host.nameOf(runAs)
                    + ", who may not write there. Give that user the right to (setfacl -m u:" + host.nameOf(runAs)
                    + ":rwx), or mount it as an overlay, which leaves the directory as it is");
        }
    }

    private void checkReadable(String action, Path directory, HostUser runAs, String remedy) throws SandboxException {
        if (!Files.isDirectory(directory)) {
            throw precondition(
                    action + ": it is " + (Files.exists(directory) ? "not a directory" : "not there") + ". " + remedy);
        }
        Optional<Path> closed = host.firstClosed(directory, runAs);
        if (closed.isPresent()) {
            throw precondition(action + ": QEMU runs as user " + host.nameOf(runAs)
                    + ", which can't read the directory " + closed.get()
                    + ". Give that user the right to read and enter it (chmod o+rx), or run as a user who may");
        }
    }

    private void checkRoot(Path root, HostUser runAs) throws SandboxException {
        checkReadable("using " + root + " as the root of a sandbox", root, runAs, "Name a directory with --root");
        List<String> missing = NEEDED_DIRECTORIES.stream()
                .filter(name -> !Files.isDirectory(root.resolve(name)))
                .toList();
        if (!missing.isEmpty()) {
            throw precondition("using " + root + " as the root of a sandbox: it has no directory "
                    + String.join(", ", missing)
                    + " for the guest to mount its file systems on. Make them: mkdir "
                    + String.join(
                            " ",
                            missing.stream()
                                    .map(name -> root.resolve(name).toString())
                                    .toList()));
        }
    }

    private static SandboxException precondition(String message) {
        return new SandboxException(SandboxException.Code.PRECONDITION, message);
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
