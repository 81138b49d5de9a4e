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
import org.barchan.host.port.ScratchFiles.Scratch;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.Disk;
import org.barchan.host.sandbox.DiskImage;
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
 * @param images what of the host's images it is, in the order root, mounts, disks
 * @param machineDisks the images as disks of the machine
 * @param mounts in the order in which they are made
 * @param view what shares and images are; closed with this
 * @param scratch what overlays are written to outside of the guest's memory; closed with this
 * @param lacksTargets whether the root may lack the target of one
 */
record MountPlan(
        SandboxSpec spec,
        HostShares hostShares,
        List<Shared> shares,
        List<Attached> images,
        List<MachineSpec.Disk> machineDisks,
        List<Placed> mounts,
        View view,
        Scratch scratch,
        boolean lacksTargets,
        List<String> notes)
        implements AutoCloseable {
    /** Programs need them to be writable, and the host's are not for sandboxes. */
    private static final List<Mount> OWN = Stream.of("/tmp", "/var/tmp", "/run")
            .<Mount>map(target -> new Mount.Memory(new GuestPath(target), 0, 01777, false))
            .toList();

    private static final List<String> NEEDED_DIRECTORIES = List.of("proc", "sys", "dev");
    private static final String ROOT_IMAGE = "root";
    private static final String DISK = "disk";

    MountPlan {
        shares = List.copyOf(shares);
        images = List.copyOf(images);
        machineDisks = List.copyOf(machineDisks);
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
        List<Attached> images = images(spec);
        List<Layer> layers = layers(shares, images);
        if (spec.hasImages()) {
            transports.checkBlock(
                    images.isEmpty()
                            ? "keeping an overlay in a file of the host"
                            : images.getFirst().action());
        }
        View view = hostShares.open(spec, shares, images, client, runAs);
        Scratch scratch = Scratch.NONE;
        try {
            scratch = scratchFiles.make(layers.stream().map(Layer::bytes).toList(), runAs);
            List<MachineSpec.Disk> disks = new ArrayList<>();
            for (Attached image : images) {
                disks.add(image.disk(view));
                notes.add("attaching " + image.image().path() + " as a block device, format "
                        + image.image().format());
            }
            for (int i = 0; i < layers.size(); i++) {
                disks.add(new MachineSpec.Disk(
                        layers.get(i).serial(),
                        DiskImage.Format.RAW,
                        scratch.files().get(i),
                        false,
                        true));
            }
            List<Placed> placed = placed(spec, shares, view);
            boolean lacksTargets = lacksTargets(spec, placed, view);
            if (lacksTargets && spec.root() instanceof Root.Directory root) {
                transports.checkOverlay(rootAction(root), shares.getFirst().transport());
            }
            return new MountPlan(spec, hostShares, shares, images, disks, placed, view, scratch, lacksTargets, notes);
        } catch (SandboxException | RuntimeException e) {
            scratch.close();
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

    /**
     * What an overlay is written to, outside of the guest's memory.
     *
     * @param serial names it to the guest
     */
    private record Layer(String serial, long bytes) {
        static Optional<Layer> of(String covered, Access access) {
            return access instanceof Access.Overlay(long bytes, boolean scratch) && scratch
                    ? Optional.of(new Layer("over-" + covered, bytes))
                    : Optional.empty();
        }

        /** Returns the serial number of the layer over something, or "". */
        static String serial(String covered, Access access) {
            return of(covered, access).map(Layer::serial).orElse("");
        }
    }

    private static List<Layer> layers(List<Shared> shares, List<Attached> images) {
        return Stream.concat(
                        shares.stream().map(share -> Layer.of(share.tag(), share.access())),
                        images.stream().map(image -> Layer.of(image.serial(), image.access())))
                .flatMap(Optional::stream)
                .toList();
    }

    private static List<Attached> images(SandboxSpec spec) {
        List<Attached> images = new ArrayList<>();
        if (spec.root() instanceof Root.Image(DiskImage image, Access access)) {
            String action = "using the image " + image.path() + " as the root of a sandbox";
            images.add(new Attached(ROOT_IMAGE, action, image, access));
        }
        for (Mount mount : spec.mounts()) {
            if (mount instanceof Mount.Image(GuestPath target, DiskImage image, Access access)) {
                String action = "mounting the image " + image.path() + " on " + target;
                images.add(new Attached("image" + images.size(), action, image, access));
            }
        }
        for (int i = 0; i < spec.disks().size(); i++) {
            Disk disk = spec.disks().get(i);
            String action = "attaching the image " + disk.image().path() + " as disk " + disk.tag();
            images.add(new Attached(
                    DISK + i, action, disk.image(), disk.writable() ? new Access.ReadWrite() : new Access.ReadOnly()));
        }
        return images;
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

    private static List<Placed> placed(SandboxSpec spec, List<Shared> shares, View view) {
        List<Placed> placed = new ArrayList<>();
        OWN.forEach(mount -> placed.add(new Placed(mount, Optional.empty(), true)));
        Iterator<Shared> share = shares.stream()
                .filter(shared -> !shared.tag().equals(HostShares.ROOT))
                .iterator();
        Iterator<Attached> image = images(spec).stream()
                .filter(attached -> !attached.serial().equals(ROOT_IMAGE))
                .iterator();
        for (Mount mount : spec.mounts()) {
            Optional<GuestConfiguration.Share> source = switch (mount) {
                case Mount.HostDirectory _ -> Optional.of(share(share.next(), view));
                case Mount.Image _ -> Optional.of(share(image.next()));
                case Mount.Memory _, Mount.Bind _ -> Optional.empty();
            };
            placed.add(new Placed(mount, source, false));
        }
        return placed;
    }

    private static GuestConfiguration.Share share(Shared shared, View view) {
        return new GuestConfiguration.Share(
                shared.tag(), shared.transport(), view.file(shared.tag()), Layer.serial(shared.tag(), shared.access()));
    }

    private static GuestConfiguration.Share share(Attached image) {
        return new GuestConfiguration.Share(
                image.serial(), Transport.BLOCK, "", Layer.serial(image.serial(), image.access()));
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
        GuestConfiguration.Share root =
                spec.root() instanceof Root.Directory ? share(shares.getFirst(), view) : share(images.getFirst());
        List<GuestConfiguration.Disk> disks = new ArrayList<>();
        for (int i = 0; i < spec.disks().size(); i++) {
            Disk disk = spec.disks().get(i);
            disks.add(new GuestConfiguration.Disk(
                    DISK + i, disk.tag(), owner.getUid(), owner.getGid(), !disk.writable()));
        }
        return new GuestConfiguration(
                hostname,
                new GuestConfiguration.Root(root, spec.root().access(), lacksTargets),
                mounts,
                disks,
                files.modules(features(files)),
                fileSystems(files));
    }

    private Map<String, List<String>> fileSystems(BootFileSet files) {
        Map<String, List<String>> modules = new HashMap<>();
        if (machineDisks.size() > spec.disks().size()) {
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
        if (!machineDisks.isEmpty()) {
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

    /** Returns a message of the machine's that says which image it is about, if it is about one. */
    String named(String message) {
        for (int i = 0; i < images.size(); i++) {
            Attached image = images.get(i);
            String file = machineDisks.get(i).source().toString();
            if (message.contains(file) || message.contains("\"serial\":\"" + image.serial() + '"')) {
                return image.action() + ": "
                        + message.replace(file, image.image().path().toString());
            }
        }
        return message;
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
        scratch.close();
        view.close();
    }
}
