package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.barchan.host.lifecycle.HostShares.Shared;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.Host;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.WorkingDirectoryPolicy;

/**
 * What a sandbox is going to see of file systems, checked against the host: its root, what each sandbox has of its own, and what was
 * ordered.
 *
 * @param shares what of the host it is, the root first
 * @param mounts in the order in which they are made
 * @param view what the shares are; closed with this
 * @param lacksTargets whether the root may lack the target of one
 */
record MountPlan(
        SandboxSpec spec,
        HostShares hostShares,
        List<Shared> shares,
        List<Placed> mounts,
        View view,
        boolean lacksTargets,
        List<String> notes)
        implements AutoCloseable {
    /** Programs need them to be writable, and the host's are not for sandboxes. */
    private static final List<Mount> OWN = Stream.of("/tmp", "/var/tmp", "/run")
            .<Mount>map(target -> new Mount.Memory(new GuestPath(target), 0, 01777, false))
            .toList();

    private static final List<String> NEEDED_DIRECTORIES = List.of("proc", "sys", "dev");

    MountPlan {
        shares = List.copyOf(shares);
        mounts = List.copyOf(mounts);
        notes = List.copyOf(notes);
    }

    /**
     * Makes the plan.
     *
     * @param client whose directories they are
     * @param runAs the user that the hypervisor's process is to be
     * @throws SandboxException {@code PRECONDITION} when a directory of the host does not do: which, why, what to do
     */
    static MountPlan of(SandboxSpec spec, Transports transports, HostShares hostShares, HostUser client, HostUser runAs)
            throws SandboxException {
        List<Shared> shares = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        String rootAction = "using " + spec.root() + " as the root of a sandbox";
        Transports.Choice rootChoice = transports.choose(rootAction, spec.rootTransport(), spec.rootAccess());
        shares.add(new Shared(HostShares.ROOT, rootAction, spec.root(), spec.rootAccess(), rootChoice.transport()));
        notes.add(note(spec.root(), rootChoice));
        for (Mount mount : spec.mounts()) {
            if (mount instanceof Mount.HostDirectory directory) {
                String action = "mounting " + directory.source() + " on " + directory.target();
                Transports.Choice choice = transports.choose(action, directory.transport(), directory.access());
                shares.add(new Shared(
                        "mount" + shares.size(), action, directory.source(), directory.access(), choice.transport()));
                notes.add(note(directory.source(), choice));
            }
        }
        View view = hostShares.open(spec, shares, client, runAs);
        try {
            checkRoot(spec, view);
            List<Placed> placed = placed(spec, shares, view);
            Path root = view.path(HostShares.ROOT);
            boolean lacksTargets = placed.stream().anyMatch(mount -> lacks(root, mount));
            if (lacksTargets) {
                transports.checkOverlay(rootAction, rootChoice.transport());
            }
            return new MountPlan(spec, hostShares, shares, placed, view, lacksTargets, notes);
        } catch (SandboxException | RuntimeException e) {
            view.close();
            throw e;
        }
    }

    private static String note(GuestPath path, Transports.Choice choice) {
        return "sharing " + path + " by " + choice.transport() + ": " + choice.reason();
    }

    private static List<Placed> placed(SandboxSpec spec, List<Shared> shares, View view) {
        List<Placed> placed = new ArrayList<>();
        OWN.forEach(mount -> placed.add(new Placed(mount, Optional.empty(), true)));
        Iterator<Shared> share = shares.subList(1, shares.size()).iterator();
        for (Mount mount : spec.mounts()) {
            placed.add(new Placed(
                    mount,
                    mount instanceof Mount.HostDirectory ? Optional.of(share(share.next(), view)) : Optional.empty(),
                    false));
        }
        return placed;
    }

    private static GuestConfiguration.Share share(Shared shared, View view) {
        return new GuestConfiguration.Share(shared.tag(), shared.transport(), view.file(shared.tag()));
    }

    /** Where the root surely has a place for a mount, the guest needs no layer to make it in. A link may lead anywhere. */
    private static boolean lacks(Path root, Placed placed) {
        if (placed.optional()) {
            return false;
        }
        Path at = root;
        for (String name : placed.mount().target().toString().substring(1).split("/", -1)) {
            at = at.resolve(name);
            if (!Files.exists(at, LinkOption.NOFOLLOW_LINKS) || Files.isSymbolicLink(at)) {
                return true;
            }
        }
        return false;
    }

    private static void checkRoot(SandboxSpec spec, View view) throws SandboxException {
        String action = "using " + spec.root() + " as the root of a sandbox";
        if (!view.file(HostShares.ROOT).isEmpty()) {
            throw precondition(action + ": it is not a directory. Name a directory with --root");
        }
        List<String> missing = NEEDED_DIRECTORIES.stream()
                .filter(name -> !Files.isDirectory(view.path(HostShares.ROOT).resolve(name)))
                .toList();
        if (!missing.isEmpty()) {
            throw precondition(action + ": it has no directory " + String.join(", ", missing)
                    + " for the guest to mount its file systems on. Make them: mkdir "
                    + missing.stream().map(name -> spec.root() + "/" + name).collect(Collectors.joining(" ")));
        }
    }

    private static SandboxException precondition(String message) {
        return new SandboxException(SandboxException.Code.PRECONDITION, message);
    }

    /** Returns what the machine has of it. */
    List<MachineSpec.Share> machineShares() {
        return shares.stream()
                .map(share -> new MachineSpec.Share(
                        share.tag(),
                        share.transport(),
                        share.transport() == Transport.VIRTIOFS ? view.socket(share.tag()) : view.path(share.tag()),
                        !(share.access() instanceof Access.ReadWrite)))
                .toList();
    }

    /**
     * Returns what the guest is to do.
     *
     * @throws SandboxException {@code PRECONDITION} when it would need a module that its kernel does not have
     */
    GuestConfiguration configuration(SandboxName hostname, BootFileSet files) throws SandboxException {
        Shared root = shares.getFirst();
        return new GuestConfiguration(
                hostname,
                new GuestConfiguration.Root(
                        new GuestConfiguration.Share(root.tag(), root.transport(), ""),
                        spec.rootAccess(),
                        lacksTargets),
                mounts,
                files.modules(features(files)));
    }

    private Set<Feature> features(BootFileSet files) throws SandboxException {
        Set<Feature> features = EnumSet.noneOf(Feature.class);
        shares.forEach(share -> features.add(Transports.feature(share.transport())));
        boolean overlays = shares.stream().anyMatch(share -> share.access() instanceof Access.Overlay);
        if (overlays || lacksTargets) {
            features.add(Feature.OVERLAY);
        }
        if (features.contains(Feature.OVERLAY) && !files.has(Feature.OVERLAY)) {
            throw precondition("mounting in the sandbox: the kernel " + files.release()
                    + " has no module overlay, which takes "
                    + (overlays
                            ? "what is written to an overlay"
                            : "the directories that are mounted on and that the root lacks")
                    + ". Choose another kernel"
                    + (overlays ? ", or no overlay" : ", or make them on the host"));
        }
        return features;
    }

    /**
     * Returns what to tell the caller of a process whose working directory is not the one that the caller means: whoever works below
     * the host's /tmp, or where QEMU's user may not look, would wonder where the files are.
     */
    Optional<String> strayDirectory(ProcessSpec process, HostUser runAs) {
        ByteString directory = process.getWorkingDirectory();
        if (directory.isEmpty()
                || process.getWorkingDirectoryPolicy() == WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_REQUIRED) {
            return Optional.empty();
        }
        String raw = directory.toString(StandardCharsets.ISO_8859_1);
        String path = directory.toStringUtf8();
        String remedy = " To see it there, mount it: --mount type=bind,src=" + path + ",dst=" + path;
        Optional<Placed> covering = mounts.stream()
                .filter(placed ->
                        GuestPath.isAtOrBelow(raw, placed.mount().target().raw()))
                .reduce((above, below) -> below);
        if (covering.isPresent()) {
            return covering.filter(Placed::optional)
                    .map(own -> "the working directory " + path + " is not the host's: a sandbox has a "
                            + own.mount().target() + " of its own, which is empty." + remedy);
        }
        Path seen = view.path(HostShares.ROOT).resolve(path.substring(1));
        if (spec.root().equals(SandboxSpec.HOST_ROOT) && Files.isDirectory(Path.of(path)) && !Files.isDirectory(seen)) {
            return Optional.of("the command starts in /, as sandboxes do not see " + path
                    + ", which is among what is secret on a host." + remedy);
        }
        Host host = hostShares.host();
        return Files.isDirectory(seen) && !host.mayEnter(seen, runAs)
                ? Optional.of("the command starts in /, as QEMU runs as user " + host.nameOf(runAs)
                        + ", who may not enter " + path
                        + ". Give that user the right to (chmod o+x), or call from another"
                        + " directory")
                : Optional.empty();
    }

    @Override
    public void close() {
        view.close();
    }
}
