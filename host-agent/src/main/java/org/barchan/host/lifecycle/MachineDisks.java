package org.barchan.host.lifecycle;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.barchan.host.lifecycle.HostImages.Attached;
import org.barchan.host.lifecycle.HostShares.Shared;
import org.barchan.host.port.GuestConfiguration;
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
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.Identity;

/**
 * The disks of a machine: images of the host, and what overlays are written to outside of the guest's memory.
 *
 * @param images in the order root, mounts, disks
 * @param disks the images in their order, then the layers of overlays
 * @param scratch the layers; closed with this
 */
record MachineDisks(List<Attached> images, List<MachineSpec.Disk> disks, Scratch scratch) implements AutoCloseable {
    static final MachineDisks NONE = new MachineDisks(List.of(), List.of(), Scratch.NONE);

    /** The serial number of the image that is the root. */
    static final String ROOT = "root";

    private static final String DISK = "disk";

    MachineDisks {
        images = List.copyOf(images);
        disks = List.copyOf(disks);
    }

    /** Returns what is ordered of images. */
    static List<Attached> images(SandboxSpec spec) {
        List<Attached> images = new ArrayList<>();
        if (spec.root() instanceof Root.Image(DiskImage image, Access access)) {
            images.add(
                    new Attached(ROOT, "using the image " + image.path() + " as the root of a sandbox", image, access));
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

    /**
     * Makes the layers of overlays, those of directories first.
     *
     * @param view what the images are
     * @param runAs who is to write to the layers
     */
    static MachineDisks of(
            List<Attached> images, List<Shared> shares, View view, ScratchFiles scratchFiles, HostUser runAs)
            throws SandboxException {
        List<Layer> layers = Stream.concat(
                        shares.stream().map(share -> Layer.of(share.tag(), share.access())),
                        images.stream().map(image -> Layer.of(image.serial(), image.access())))
                .flatMap(Optional::stream)
                .toList();
        List<MachineSpec.Disk> disks = new ArrayList<>();
        for (Attached image : images) {
            disks.add(image.disk(view));
        }
        Scratch scratch = scratchFiles.make(layers.stream().map(Layer::bytes).toList(), runAs);
        for (int i = 0; i < layers.size(); i++) {
            disks.add(new MachineSpec.Disk(
                    layers.get(i).serial(),
                    DiskImage.Format.RAW,
                    scratch.files().get(i),
                    false,
                    true));
        }
        return new MachineDisks(images, disks, scratch);
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
    }

    /** Returns the serial number of the layer over something, or "". */
    static String layerOver(String covered, Access access) {
        return Layer.of(covered, access).map(Layer::serial).orElse("");
    }

    /** Returns an image as the guest mounts it. */
    static GuestConfiguration.Share share(Attached image) {
        return new GuestConfiguration.Share(
                image.serial(), Transport.BLOCK, "", layerOver(image.serial(), image.access()));
    }

    /** Returns the disks that processes see, as theirs. */
    static List<GuestConfiguration.Disk> seen(SandboxSpec spec, Identity owner) {
        List<GuestConfiguration.Disk> disks = new ArrayList<>();
        for (int i = 0; i < spec.disks().size(); i++) {
            Disk disk = spec.disks().get(i);
            disks.add(new GuestConfiguration.Disk(
                    DISK + i, disk.tag(), owner.getUid(), owner.getGid(), !disk.writable()));
        }
        return disks;
    }

    /** Returns a message of the machine's that says which image it is about, if it is about one. */
    String named(String message) {
        for (int i = 0; i < images.size(); i++) {
            Attached image = images.get(i);
            String file = disks.get(i).source().toString();
            if (message.contains(file) || message.contains("\"serial\":\"" + image.serial() + '"')) {
                return image.action() + ": "
                        + message.replace(file, image.image().path().toString());
            }
        }
        return message;
    }

    @Override
    public void close() {
        scratch.close();
    }
}
