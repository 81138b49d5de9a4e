package org.barchan.host.api;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.MountMode;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.Tmpfs;

/** Makes mounts of a {@code SandboxSpec}. */
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

    Access rootAccess(SandboxSpec sandbox) {
        String field = RunStartParser.SANDBOX + "root_mode";
        if (sandbox.getRootMode() == MountMode.MOUNT_MODE_READ_WRITE) {
            wrong.accept(field, "read-write (expected: read-only or overlay)");
            return new Access.ReadOnly();
        }
        return access(
                field,
                sandbox.getRootMode(),
                RunStartParser.SANDBOX + "root_overlay_bytes",
                sandbox.hasRootOverlayBytes(),
                sandbox.getRootOverlayBytes());
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
            mounts.add(mount(RunStartParser.SANDBOX + "mounts[" + i + "]", sandbox.getMounts(i)));
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
                            access(
                                    field + ".mode",
                                    mount.getMode(),
                                    field + ".overlay_bytes",
                                    mount.hasOverlayBytes(),
                                    mount.getOverlayBytes()),
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

    Optional<Transport> transport(String field, org.barchan.v1.Transport transport) {
        return switch (transport) {
            case TRANSPORT_UNSPECIFIED, TRANSPORT_AUTO -> Optional.empty();
            case TRANSPORT_NINEP -> Optional.of(Transport.NINEP);
            case TRANSPORT_VIRTIOFS -> Optional.of(Transport.VIRTIOFS);
            case UNRECOGNIZED -> {
                wrong.accept(
                        field, "not known (expected: a value that this agent knows; it may be older than the client)");
                yield Optional.empty();
            }
        };
    }

    GuestPath hostPath(String field, ByteString bytes) {
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

    private Access access(String field, MountMode mode, String sizeField, boolean hasSize, long size) {
        if (hasSize && mode != MountMode.MOUNT_MODE_OVERLAY) {
            wrong.accept(sizeField, size + " without the mode overlay (expected: both, or no size)");
        }
        return switch (mode) {
            case MOUNT_MODE_UNSPECIFIED, MOUNT_MODE_READ_ONLY -> new Access.ReadOnly();
            case MOUNT_MODE_READ_WRITE -> new Access.ReadWrite();
            case MOUNT_MODE_OVERLAY -> new Access.Overlay(hasSize ? size(sizeField, size) : 0);
            case UNRECOGNIZED -> {
                wrong.accept(
                        field, "not known (expected: a value that this agent knows; it may be older than the client)");
                yield new Access.ReadOnly();
            }
        };
    }

    private boolean readOnly(String field, org.barchan.v1.Mount mount) {
        if (mount.getMode() == MountMode.MOUNT_MODE_OVERLAY || mount.hasOverlayBytes()) {
            wrong.accept(
                    field + ".mode",
                    "overlay (expected: read-only or read-write; an overlay is of a directory of the host)");
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
