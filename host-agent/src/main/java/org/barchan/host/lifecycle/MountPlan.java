package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.barchan.host.lifecycle.HostImages.Attached;
import org.barchan.host.lifecycle.HostShares.Shared;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.Host;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.ScratchFiles;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.Identity;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.WorkingDirectoryPolicy;

/**
 * What a sandbox is going to see of file systems and disks, checked against the host: its root, what each sandbox has of its own, and what
 * was ordered.
 *
 * @param shares what of the host's directories it is, the root first if it is one
 * @param disks the machine's, closed with this
 * @param mounts in the order in which they are made
 * @param view what shares and images are; closed with this
 * @param lacksTargets whether the root may lack the target of one
 */
record MountPlan(
        SandboxSpec spec,
        HostShares hostShares,
        List<Shared> shares,
        MachineDisks disks,
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
    static MountPlan of(
            SandboxSpec spec,
            Transports transports,
            HostShares hostShares,
            ScratchFiles scratchFiles,
            HostUser client,
            HostUser runAs)
            throws SandboxException {
        List<Shared> shares = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        if (spec.root() instanceof Root.Directory root) {
            share(
                    shares,
                    notes,
                    transports,
                    HostShares.ROOT,
                    rootAction(root),
                    root.path(),
                    root.transport(),
                    root.access());
        }
        for (Mount mount : spec.mounts()) {
            if (mount instanceof Mount.HostDirectory directory) {
                share(
                        shares,
                        notes,
                        transports,
                        "mount" + shares.size(),
                        "mounting " + directory.source() + " on " + directory.target(),
                        directory.source(),
                        directory.transport(),
                        directory.access());
            }
        }
        List<Attached> images = MachineDisks.images(spec);
        if (spec.hasImages()) {
            transports.checkBlock(
                    images.isEmpty()
                            ? "keeping an overlay in a file of the host"
                            : images.getFirst().action());
        }
        View view = hostShares.open(spec, shares, images, client, runAs);
        MachineDisks disks = MachineDisks.NONE;
        try {
            disks = MachineDisks.of(images, shares, view, scratchFiles, runAs);
            for (Attached image : images) {
                notes.add("attaching " + image.image().path() + " as a block device, format "
                        + image.image().format());
            }
            List<Placed> placed = placed(spec, shares, disks, view);
            boolean lacksTargets = lacksTargets(spec, placed, view);
            if (lacksTargets && spec.root() instanceof Root.Directory root) {
                transports.checkOverlay(rootAction(root), shares.getFirst().transport());
            }
            return new MountPlan(spec, hostShares, shares, disks, placed, view, lacksTargets, notes);
        } catch (SandboxException | RuntimeException e) {
            disks.close();
            view.close();
            throw e;
        }
    }

    private static void share(
            List<Shared> shares,
            List<String> notes,
            Transports transports,
            String tag,
            String action,
            GuestPath path,
            Optional<Transport> wanted,
            Access access)
            throws SandboxException {
        Transports.Choice choice = transports.choose(action, wanted, access);
        shares.add(new Shared(tag, action, path, access, choice.transport()));
        notes.add("sharing " + path + " by " + choice.transport() + ": " + choice.reason());
    }

    private static String rootAction(Root.Directory root) {
        return "using " + root.path() + " as the root of a sandbox";
    }

    /** What an image has for mounts to be made on, only the guest sees. */
    private static boolean lacksTargets(SandboxSpec spec, List<Placed> placed, View view) throws SandboxException {
        return switch (spec.root()) {
            case Root.Directory root -> {
                checkRoot(root, view);
                Path seen = view.path(HostShares.ROOT);
                yield placed.stream().anyMatch(mount -> lacks(seen, mount));
            }
            case Root.Image image -> image.access() instanceof Access.ReadOnly;
        };
    }

    private static List<Placed> placed(SandboxSpec spec, List<Shared> shares, MachineDisks disks, View view) {
        List<Placed> placed = new ArrayList<>();
        OWN.forEach(mount -> placed.add(new Placed(mount, Optional.empty(), true)));
        Iterator<Shared> share = shares.stream()
                .filter(shared -> !shared.tag().equals(HostShares.ROOT))
                .iterator();
        Iterator<Attached> image = disks.images().stream()
                .filter(attached -> !attached.serial().equals(MachineDisks.ROOT))
                .iterator();
        for (Mount mount : spec.mounts()) {
            Optional<GuestConfiguration.Share> source = switch (mount) {
                case Mount.HostDirectory _ -> Optional.of(share(share.next(), view));
                case Mount.Image _ -> Optional.of(MachineDisks.share(image.next()));
                case Mount.Memory _, Mount.Bind _ -> Optional.empty();
            };
            placed.add(new Placed(mount, source, false));
        }
        return placed;
    }

    private static GuestConfiguration.Share share(Shared shared, View view) {
        return new GuestConfiguration.Share(
                shared.tag(),
                shared.transport(),
                view.file(shared.tag()),
                MachineDisks.layerOver(shared.tag(), shared.access()));
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

    private static void checkRoot(Root.Directory root, View view) throws SandboxException {
        String action = rootAction(root);
        if (!view.file(HostShares.ROOT).isEmpty()) {
            throw precondition(action + ": it is not a directory. Name a directory with --root");
        }
        List<String> missing = NEEDED_DIRECTORIES.stream()
                .filter(name -> !Files.isDirectory(view.path(HostShares.ROOT).resolve(name)))
                .toList();
        if (!missing.isEmpty()) {
            throw precondition(action + ": it has no directory " + String.join(", ", missing)
                    + " for the guest to mount its file systems on. Make them: mkdir "
                    + missing.stream().map(name -> root.path() + "/" + name).collect(Collectors.joining(" ")));
        }
    }

    private static SandboxException precondition(String message) {
        return new SandboxException(SandboxException.Code.PRECONDITION, message);
    }

    /** Returns what the machine has of directories. */
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
     * @param owner whose the disks are to be
     * @throws SandboxException {@code PRECONDITION} when it would need a module that its kernel does not have
     */
    GuestConfiguration configuration(SandboxName hostname, BootFileSet files, Identity owner) throws SandboxException {
        GuestConfiguration.Share root = spec.root() instanceof Root.Directory
                ? share(shares.getFirst(), view)
                : MachineDisks.share(disks.images().getFirst());
        return new GuestConfiguration(
                hostname,
                new GuestConfiguration.Root(root, spec.root().access(), lacksTargets),
                mounts,
                MachineDisks.seen(spec, owner),
                files.modules(features(files)),
                fileSystems(files));
    }

    private Map<String, List<String>> fileSystems(BootFileSet files) {
        Map<String, List<String>> modules = new HashMap<>();
        if (disks.disks().size() > spec.disks().size()) {
            for (Feature feature : Feature.FILE_SYSTEMS) {
                if (files.has(feature)) {
                    modules.put(feature.name().toLowerCase(Locale.ROOT), files.modules(Set.of(feature)));
                }
            }
        }
        return modules;
    }

    private Set<Feature> features(BootFileSet files) throws SandboxException {
        Set<Feature> features = EnumSet.noneOf(Feature.class);
        shares.forEach(share -> features.add(Transports.feature(share.transport())));
        if (!disks.disks().isEmpty()) {
            features.add(Feature.BLOCK);
        }
        boolean overlays = spec.root().access() instanceof Access.Overlay
                || spec.mounts().stream().anyMatch(MountPlan::isOverlay);
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

    private static boolean isOverlay(Mount mount) {
        return switch (mount) {
            case Mount.HostDirectory directory -> directory.access() instanceof Access.Overlay;
            case Mount.Image image -> image.access() instanceof Access.Overlay;
            case Mount.Memory _, Mount.Bind _ -> false;
        };
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
        if (!(spec.root() instanceof Root.Directory root)) {
            return Optional.empty();
        }
        Path seen = view.path(HostShares.ROOT).resolve(path.substring(1));
        if (root.isHostRoot() && Files.isDirectory(Path.of(path)) && !Files.isDirectory(seen)) {
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
        disks.close();
        view.close();
    }
}
