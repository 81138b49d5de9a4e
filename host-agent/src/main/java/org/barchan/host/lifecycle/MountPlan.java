package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.Host;
import org.barchan.host.port.MachineSpec.Share;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.WorkingDirectoryPolicy;

/**
 * What a sandbox is going to see of file systems, checked against the host: its root, what each sandbox has of its own, and what was
 * ordered.
 *
 * @param mounts in the order in which they are made
 * @param lacksTargets whether the root may lack the target of one
 */
record MountPlan(SandboxSpec spec, List<Placed> mounts, boolean lacksTargets) {
    private static final String ROOT_TAG = "root";
    /** Programs need them to be writable, and the host's are not for sandboxes. */
    private static final List<Mount> OWN = Stream.of("/tmp", "/var/tmp", "/run")
            .<Mount>map(target -> new Mount.Memory(new GuestPath(target), 0, 01777, false))
            .toList();

    private static final List<String> NEEDED_DIRECTORIES = List.of("proc", "sys", "dev");

    MountPlan {
        mounts = List.copyOf(mounts);
    }

    /**
     * Makes the plan.
     *
     * @param runAs the user that the hypervisor's process is to be
     * @throws SandboxException {@code PRECONDITION} when a directory of the host does not do: which, why, what to do
     */
    static MountPlan of(SandboxSpec spec, Host host, HostUser runAs) throws SandboxException {
        checkRoot(spec.root(), host, runAs);
        List<Placed> placed = new ArrayList<>();
        OWN.forEach(mount -> placed.add(new Placed(mount, "", true)));
        for (Mount mount : spec.mounts()) {
            String tag = "";
            if (mount instanceof Mount.HostDirectory directory) {
                checkSource(directory, host, runAs);
                tag = "mount" + placed.size();
            }
            placed.add(new Placed(mount, tag, false));
        }
        return new MountPlan(spec, placed, placed.stream().anyMatch(mount -> lacks(spec.root(), mount)));
    }

    /** Where the root surely has a place for a mount, the guest needs no layer to make it in. */
    private static boolean lacks(Path root, Placed placed) {
        return !placed.optional()
                && !Files.exists(root.resolve(placed.mount().target().toString().substring(1)));
    }

    private static void checkRoot(Path root, Host host, HostUser runAs) throws SandboxException {
        String action = "using " + root + " as the root of a sandbox";
        checkReadable(action, root, host, runAs, "Name a directory with --root");
        List<String> missing = NEEDED_DIRECTORIES.stream()
                .filter(name -> !Files.isDirectory(root.resolve(name)))
                .toList();
        if (!missing.isEmpty()) {
            throw precondition(action + ": it has no directory " + String.join(", ", missing)
                    + " for the guest to mount its file systems on. Make them: mkdir "
                    + String.join(
                            " ",
                            missing.stream()
                                    .map(name -> root.resolve(name).toString())
                                    .toList()));
        }
    }

    private static void checkSource(Mount.HostDirectory mount, Host host, HostUser runAs) throws SandboxException {
        String action = "mounting " + mount.source() + " on " + mount.target();
        checkReadable(action, mount.source(), host, runAs, "Name a directory of this host");
        if (mount.access() instanceof Access.ReadWrite && !host.mayWrite(mount.source(), runAs)) {
            throw precondition(action + ": QEMU runs as user " + host.nameOf(runAs)
                    + ", who may not write there. Give that user the right to (setfacl -m u:" + host.nameOf(runAs)
                    + ":rwx), or mount it as an overlay, which leaves the directory as it is");
        }
    }

    private static void checkReadable(String action, Path directory, Host host, HostUser runAs, String remedy)
            throws SandboxException {
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

    private static SandboxException precondition(String message) {
        return new SandboxException(SandboxException.Code.PRECONDITION, message);
    }

    /** Returns what the machine shares with its guest. */
    List<Share> shares() {
        List<Share> shares = new ArrayList<>();
        shares.add(new Share(ROOT_TAG, spec.root(), true));
        for (Placed placed : mounts) {
            if (placed.mount() instanceof Mount.HostDirectory directory) {
                shares.add(
                        new Share(placed.tag(), directory.source(), !(directory.access() instanceof Access.ReadWrite)));
            }
        }
        return shares;
    }

    /**
     * Returns what the guest is to do.
     *
     * @throws SandboxException {@code PRECONDITION} when it would need a module that its kernel does not have
     */
    GuestConfiguration configuration(SandboxName hostname, BootFileSet files) throws SandboxException {
        return new GuestConfiguration(
                hostname,
                new GuestConfiguration.Root(ROOT_TAG, spec.rootAccess(), lacksTargets),
                mounts,
                modules(files));
    }

    private List<String> modules(BootFileSet files) throws SandboxException {
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

    /**
     * Returns what to tell the caller of a process whose working directory is not the one that the caller means: whoever works below
     * the host's /tmp, or where QEMU's user may not look, would wonder where the files are.
     */
    Optional<String> strayDirectory(ProcessSpec process, Host host, HostUser runAs) {
        ByteString directory = process.getWorkingDirectory();
        if (directory.isEmpty()
                || process.getWorkingDirectoryPolicy() == WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_REQUIRED) {
            return Optional.empty();
        }
        String raw = directory.toString(StandardCharsets.ISO_8859_1);
        String path = directory.toStringUtf8();
        Optional<Placed> covering = mounts.stream()
                .filter(placed ->
                        GuestPath.isAtOrBelow(raw, placed.mount().target().raw()))
                .reduce((above, below) -> below);
        if (covering.isPresent()) {
            return covering.filter(Placed::optional)
                    .map(own -> "the working directory " + path + " is not the host's: a sandbox has a "
                            + own.mount().target() + " of its own, which is empty. To see it there, mount it: --mount"
                            + " type=bind,src=" + path + ",dst=" + path);
        }
        Path onHost = spec.root().resolve(path.substring(1));
        return Files.isDirectory(onHost) && !host.mayEnter(onHost, runAs)
                ? Optional.of("the command starts in /, as QEMU runs as user " + host.nameOf(runAs)
                        + ", who may not enter " + path
                        + ". Give that user the right to (chmod o+x), or call from another"
                        + " directory")
                : Optional.empty();
    }
}
