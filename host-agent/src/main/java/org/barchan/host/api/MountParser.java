package org.barchan.host.api;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.Disk;
import org.barchan.host.sandbox.DiskImage;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.MountMode;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.Tmpfs;

/** Makes the root, the mounts and the disks of a {@code SandboxSpec}. */
final class MountParser {
    private static final int DEFAULT_TMPFS_MODE = 01777;
    /** In place of what is wrong. */
    private static final Mount NONE = new Mount.Memory(new GuestPath("/none"), 0, 0, true);

    private final BiConsumer<String, String> wrong;

    /**
     * Parses nothing yet.
     *
     * @param wrong takes a field and what is wrong with it
     */
    MountParser(BiConsumer<String, String> wrong) {
        this.wrong = wrong;
    }

    Root root(SandboxSpec sandbox) {
        int image = rootImage(sandbox);
        if (image >= 0) {
            return rootImage(RunStartParser.SANDBOX + "mounts[" + image + "]", sandbox, sandbox.getMounts(image));
        }
        GuestPath path = sandbox.hasRootDirectory()
                ? hostPath(RunStartParser.SANDBOX + "root_directory", sandbox.getRootDirectory())
                : Root.HOST_ROOT;
        return new Root.Directory(
                path,
                rootAccess(sandbox),
                transport(RunStartParser.SANDBOX + "root_transport", sandbox.getRootTransport()));
    }

    private Access rootAccess(SandboxSpec sandbox) {
        String field = RunStartParser.SANDBOX + "root_mode";
        if (sandbox.getRootMode() == MountMode.MOUNT_MODE_READ_WRITE) {
            wrong.accept(field, "read-write (expected: read-only, overlay or scratch)");
            return new Access.ReadOnly();
        }
        return access(
                field,
                sandbox.getRootMode(),
                RunStartParser.SANDBOX + "root_overlay_bytes",
                sandbox.hasRootOverlayBytes(),
                sandbox.getRootOverlayBytes());
    }

    /** Returns the index of the mount that becomes the root, or -1. */
    private static int rootImage(SandboxSpec sandbox) {
        for (int i = 0; i < sandbox.getMountsCount(); i++) {
            if (isRootImage(sandbox.getMounts(i))) {
                return i;
            }
        }
        return -1;
    }

    private static boolean isRootImage(org.barchan.v1.Mount mount) {
        return mount.hasImage() && mount.getTarget().toStringUtf8().matches("/+");
    }

    /** The image has all that the root's own fields would say. */
    private Root rootImage(String field, SandboxSpec sandbox, org.barchan.v1.Mount mount) {
        if (sandbox.hasRootDirectory()
                || sandbox.getRootModeValue() != 0
                || sandbox.hasRootOverlayBytes()
                || sandbox.getRootTransportValue() != 0) {
            wrong.accept(
                    field + ".target",
                    "'/', beside a root directory, or its mode, overlay or transport (expected: one root)");
        }
        return new Root.Image(image(field + ".image", mount.getImage()), access(field, mount));
    }

    private DiskImage image(String field, org.barchan.v1.DiskImage image) {
        Optional<DiskImage.Format> format = switch (image.getFormat()) {
            case IMAGE_FORMAT_UNSPECIFIED -> Optional.empty();
            case IMAGE_FORMAT_RAW -> Optional.of(DiskImage.Format.RAW);
            case IMAGE_FORMAT_QCOW2 -> Optional.of(DiskImage.Format.QCOW2);
            case UNRECOGNIZED -> {
                unknown(field + ".format");
                yield Optional.empty();
            }
        };
        return new DiskImage(hostPath(field + ".path", image.getPath()), format);
    }

    List<Disk> disks(SandboxSpec sandbox) {
        String all = RunStartParser.SANDBOX + "disks";
        if (sandbox.getDisksCount() > org.barchan.host.sandbox.SandboxSpec.MAX_DISKS) {
            wrong.accept(
                    all,
                    sandbox.getDisksCount() + " (expected: at most " + org.barchan.host.sandbox.SandboxSpec.MAX_DISKS
                            + ")");
            return List.of();
        }
        List<Disk> disks = new ArrayList<>();
        Set<String> tags = new HashSet<>();
        for (int i = 0; i < sandbox.getDisksCount(); i++) {
            org.barchan.v1.Disk disk = sandbox.getDisks(i);
            String field = all + "[" + i + "]";
            if (!tags.add(disk.getTag())) {
                wrong.accept(field + ".tag", "'" + disk.getTag() + "' is another disk's (expected: one of its own)");
                continue;
            }
            DiskImage image = image(field + ".image", disk.getImage());
            try {
                disks.add(new Disk(disk.getTag(), image, writable(field + ".mode", disk.getMode())));
            } catch (IllegalArgumentException e) {
                wrong.accept(field + ".tag", String.valueOf(e.getMessage()));
            }
        }
        return disks;
    }

    private boolean writable(String field, MountMode mode) {
        switch (mode) {
            case MOUNT_MODE_UNSPECIFIED, MOUNT_MODE_READ_ONLY, MOUNT_MODE_READ_WRITE -> {}
            case MOUNT_MODE_OVERLAY, MOUNT_MODE_SCRATCH ->
                wrong.accept(field, "overlay (expected: read-only or read-write; an overlay is of a file system)");
            case UNRECOGNIZED -> unknown(field);
        }
        return mode == MountMode.MOUNT_MODE_READ_WRITE;
    }

    private void unknown(String field) {
        wrong.accept(field, "not known (expected: a value that this agent knows; it may be older than the client)");
    }

    List<Mount> mounts(SandboxSpec sandbox) {
        if (sandbox.getMountsCount() > org.barchan.host.sandbox.SandboxSpec.MAX_MOUNTS) {
            wrong.accept(
                    RunStartParser.SANDBOX + "mounts",
                    sandbox.getMountsCount() + " (expected: at most " + org.barchan.host.sandbox.SandboxSpec.MAX_MOUNTS
                            + ")");
            return List.of();
        }
        List<Mount> mounts = new ArrayList<>();
        for (int i = 0; i < sandbox.getMountsCount(); i++) {
            String field = RunStartParser.SANDBOX + "mounts[" + i + "]";
            if (!isRootImage(sandbox.getMounts(i))) {
                mounts.add(mount(field, sandbox.getMounts(i)));
            } else if (i != rootImage(sandbox)) {
                wrong.accept(field + ".target", "'/', which another mount has already (expected: one root)");
            }
        }
        return mounts;
    }

    private Mount mount(String field, org.barchan.v1.Mount mount) {
        GuestPath target = path(field + ".target", mount.getTarget());
        try {
            return switch (mount.getSourceCase()) {
                case HOST_PATH ->
                    new Mount.HostDirectory(
                            target,
                            hostPath(
                                    field + ".host_path.path",
                                    mount.getHostPath().getPath()),
                            access(field, mount),
                            transport(
                                    field + ".host_path.transport",
                                    mount.getHostPath().getTransport()));
                case TMPFS -> {
                    Tmpfs tmpfs = mount.getTmpfs();
                    yield new Mount.Memory(
                            target,
                            tmpfs.hasSizeBytes() ? size(field + ".tmpfs.size_bytes", tmpfs.getSizeBytes()) : 0,
                            tmpfs.hasMode() ? tmpfs.getMode() : DEFAULT_TMPFS_MODE,
                            readOnly(field, mount));
                }
                case SANDBOX_PATH ->
                    new Mount.Bind(
                            target,
                            path(
                                    field + ".sandbox_path.path",
                                    mount.getSandboxPath().getPath()),
                            readOnly(field, mount));
                case IMAGE -> new Mount.Image(target, image(field + ".image", mount.getImage()), access(field, mount));
                case SOURCE_NOT_SET -> {
                    wrong.accept(field + ".source", "not set (expected: a source that this agent knows)");
                    yield NONE;
                }
            };
        } catch (IllegalArgumentException e) {
            wrong.accept(field, String.valueOf(e.getMessage()));
            return NONE;
        }
    }

    private Optional<Transport> transport(String field, org.barchan.v1.Transport transport) {
        return switch (transport) {
            case TRANSPORT_UNSPECIFIED, TRANSPORT_AUTO -> Optional.empty();
            case TRANSPORT_NINEP -> Optional.of(Transport.NINEP);
            case TRANSPORT_VIRTIOFS -> Optional.of(Transport.VIRTIOFS);
            case UNRECOGNIZED -> {
                unknown(field);
                yield Optional.empty();
            }
        };
    }

    private GuestPath hostPath(String field, ByteString bytes) {
        return path(field, bytes, GuestPath::normalized);
    }

    private GuestPath path(String field, ByteString bytes) {
        return path(field, bytes, GuestPath::of);
    }

    private GuestPath path(String field, ByteString bytes, Function<byte[], GuestPath> parse) {
        try {
            return parse.apply(bytes.toByteArray());
        } catch (IllegalArgumentException e) {
            wrong.accept(field, String.valueOf(e.getMessage()));
            return NONE.target();
        }
    }

    private Access access(String field, org.barchan.v1.Mount mount) {
        return access(
                field + ".mode",
                mount.getMode(),
                field + ".overlay_bytes",
                mount.hasOverlayBytes(),
                mount.getOverlayBytes());
    }

    private Access access(String field, MountMode mode, String sizeField, boolean hasSize, long size) {
        if (hasSize && mode != MountMode.MOUNT_MODE_OVERLAY && mode != MountMode.MOUNT_MODE_SCRATCH) {
            wrong.accept(sizeField, size + " without the mode overlay (expected: both, or no size)");
        }
        return switch (mode) {
            case MOUNT_MODE_UNSPECIFIED, MOUNT_MODE_READ_ONLY -> new Access.ReadOnly();
            case MOUNT_MODE_READ_WRITE -> new Access.ReadWrite();
            case MOUNT_MODE_OVERLAY -> new Access.Overlay(hasSize ? size(sizeField, size) : 0);
            case MOUNT_MODE_SCRATCH -> {
                try {
                    yield new Access.Overlay(hasSize ? size(sizeField, size) : 0, true);
                } catch (IllegalArgumentException e) {
                    wrong.accept(sizeField, String.valueOf(e.getMessage()));
                    yield new Access.ReadOnly();
                }
            }
            case UNRECOGNIZED -> {
                unknown(field);
                yield new Access.ReadOnly();
            }
        };
    }

    private boolean readOnly(String field, org.barchan.v1.Mount mount) {
        if (mount.getMode() == MountMode.MOUNT_MODE_OVERLAY
                || mount.getMode() == MountMode.MOUNT_MODE_SCRATCH
                || mount.hasOverlayBytes()) {
            wrong.accept(
                    field + ".mode",
                    "overlay (expected: read-only or read-write; an overlay is of a directory or an image of the host)");
        }
        return mount.getMode() == MountMode.MOUNT_MODE_READ_ONLY;
    }

    private long size(String field, long bytes) {
        if (bytes < Mount.LEAST_BYTES || bytes > Mount.MOST_BYTES) {
            wrong.accept(
                    field,
                    Long.toUnsignedString(bytes) + " bytes (expected: " + Mount.LEAST_BYTES + " to " + Mount.MOST_BYTES
                            + ")");
            return 0;
        }
        return bytes;
    }
}
