package org.barchan.guest.boot;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Make;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileType;
import org.jspecify.annotations.Nullable;

/**
 * What an overlay's upper layer has that the lower one has not. Processes may write to it meanwhile, and put links where directories were:
 * none is followed out of the layer.
 */
final class OverlayChanges {
    private static final int CHUNK = 64 * 1024;
    private static final int TYPE = 0170000;
    private static final int PERMISSIONS = 07777;
    private static final int DIRECTORY = 0040000;
    private static final int CHARACTER_DEVICE = 0020000;
    private static final int BLOCK_DEVICE = 0060000;
    private static final int REGULAR = 0100000;
    private static final int SYMLINK = 0120000;
    private static final int FIFO = 0010000;

    private static final ByteString SLASH = ByteString.copyFromUtf8("/");

    private final Layer layer;
    private final boolean content;
    private final Consumer<ReadChangesResponse> taker;
    /** Paths below the layer that are still to be looked into. */
    private final Deque<Directory> directories = new ArrayDeque<>();

    /**
     * An overlay.
     *
     * @param upper directory of what was written
     * @param lower directory of what is covered
     * @param target where the sandbox sees it
     * @param file not empty: the one file of it that is seen there
     */
    record Layer(String upper, String lower, ByteString target, String file) {}

    /** @param hidden whether nothing of the lower layer shows there */
    private record Directory(ByteString path, boolean hidden) {}

    private OverlayChanges(Layer layer, boolean content, Consumer<ReadChangesResponse> taker) {
        this.layer = layer;
        this.content = content;
        this.taker = taker;
    }

    /**
     * Reads all changes of an overlay.
     *
     * @param content whether what is in regular files is read too
     */
    static void read(Layer layer, boolean content, Consumer<ReadChangesResponse> taker) throws Errno {
        OverlayChanges changes = new OverlayChanges(layer, content, taker);
        changes.directories.push(new Directory(SLASH, false));
        while (!changes.directories.isEmpty()) {
            try {
                changes.read(changes.directories.pop());
            } catch (Errno e) {
                if (!hasGone(e)) {
                    throw e;
                }
            }
        }
    }

    private void read(Directory directory) throws Errno {
        int upper = open(layer.upper(), directory.path());
        if (upper < 0) {
            return; // It has gone since its parent was looked into.
        }
        try {
            int lower = directory.hidden() ? -1 : open(layer.lower(), directory.path());
            try {
                List<byte[]> names = Linux.list(upper);
                Deque<Directory> below = new ArrayDeque<>();
                for (byte[] name : names) {
                    try {
                        look(directory, upper, lower, name, below);
                    } catch (Errno e) {
                        if (!hasGone(e)) {
                            throw e;
                        }
                    }
                }
                below.forEach(directories::push);
            } finally {
                close(lower);
            }
        } finally {
            Linux.close(upper);
        }
    }

    /** Whether a file is no more what it was when it was listed: it is left out then, as nothing was told of it. */
    private static boolean hasGone(Errno e) {
        return e.number() == Errno.ENOENT || e.number() == Errno.ENOTDIR || e.number() == Errno.ELOOP;
    }

    /** Returns a descriptor of a directory, or a negative number where there is none. */
    private static int open(String root, ByteString path) throws Errno {
        int place = Linux.openBelow(root, path.toByteArray(), Make.NOTHING);
        if (place < 0) {
            return place;
        }
        try {
            return Linux.isDirectory(place) ? Linux.reopenDirectory(place) : -1;
        } finally {
            Linux.close(place);
        }
    }

    private void look(Directory directory, int upper, int lower, byte[] name, Deque<Directory> below) throws Errno {
        Stat now = Linux.statAt(upper, name);
        if (now == null || (!layer.file().isEmpty() && !Arrays.equals(name, SandboxMounts.bytes(layer.file())))) {
            return;
        }
        Stat before = lower < 0 ? null : Linux.statAt(lower, name);
        ByteString path = join(directory.path(), ByteString.copyFrom(name));
        Change.Builder change = Change.newBuilder().setPath(seen(path));
        if ((now.mode() & TYPE) == CHARACTER_DEVICE && now.device() == 0) {
            if (before != null) {
                told(change.setKind(ChangeKind.CHANGE_KIND_DELETED).build());
            }
            return;
        }
        change.setKind(before == null ? ChangeKind.CHANGE_KIND_ADDED : ChangeKind.CHANGE_KIND_CHANGED);
        describe(change, now);
        switch (now.mode() & TYPE) {
            case DIRECTORY -> directory(change, upper, name, path, now, before, below);
            case REGULAR -> file(change, upper, name, now.size());
            case SYMLINK ->
                told(change.setLinkTarget(ByteString.copyFrom(Linux.readLinkAt(upper, name)))
                        .build());
            default -> told(change.build());
        }
    }

    /** One that only leads to changes is none itself. */
    private void directory(
            Change.Builder change,
            int upper,
            byte[] name,
            ByteString path,
            Stat now,
            @Nullable Stat before,
            Deque<Directory> below)
            throws Errno {
        boolean replaced = false;
        if (before != null) {
            int opened = Linux.openDirectoryAt(upper, name);
            replaced = Linux.isOpaque(opened) || (before.mode() & TYPE) != DIRECTORY;
            Linux.close(opened);
        }
        if (before == null
                || replaced
                || before.mode() != now.mode()
                || before.uid() != now.uid()
                || before.gid() != now.gid()) {
            told(change.setReplaced(replaced).build());
        }
        // In the order of names, as the last one is pushed first.
        below.addFirst(new Directory(path, before == null || replaced));
    }

    private void file(Change.Builder change, int upper, byte[] name, long size) throws Errno {
        if (!content) {
            told(change.build());
            return;
        }
        int fd = Linux.openFileAt(upper, name);
        try {
            told(change.build());
            byte[] chunk = new byte[(int) Math.min(CHUNK, Math.max(1, size))];
            for (long left = size; left > 0; ) {
                int want = (int) Math.min(chunk.length, left);
                int n = Linux.read(fd, chunk, 0, want);
                if (n < 0) {
                    throw new Errno("read a file", -n);
                }
                if (n == 0) {
                    // It was cut off meanwhile; its size was told.
                    Arrays.fill(chunk, (byte) 0);
                    n = want;
                }
                taker.accept(ReadChangesResponse.newBuilder()
                        .setData(ByteString.copyFrom(chunk, 0, n))
                        .build());
                left -= n;
            }
        } finally {
            Linux.close(fd);
        }
    }

    private static void describe(Change.Builder change, Stat now) {
        change.setType(type(now.mode()))
                .setMode(now.mode() & PERMISSIONS)
                .setUid(now.uid())
                .setGid(now.gid())
                .setModifyTime(Timestamp.newBuilder().setSeconds(now.seconds()).setNanos(now.nanos()));
        if ((now.mode() & TYPE) == REGULAR) {
            change.setSizeBytes(now.size());
        }
        if ((now.mode() & TYPE) == CHARACTER_DEVICE || (now.mode() & TYPE) == BLOCK_DEVICE) {
            // As the C library's major() and minor() have it, as far as the kernel goes.
            change.setDeviceMajor((int) ((now.device() >> 8) & 0xfff))
                    .setDeviceMinor((int) ((now.device() & 0xff) | ((now.device() >> 12) & 0xfff00)));
        }
    }

    private static FileType type(int mode) {
        return switch (mode & TYPE) {
            case DIRECTORY -> FileType.FILE_TYPE_DIRECTORY;
            case REGULAR -> FileType.FILE_TYPE_REGULAR;
            case SYMLINK -> FileType.FILE_TYPE_SYMLINK;
            case FIFO -> FileType.FILE_TYPE_FIFO;
            case CHARACTER_DEVICE -> FileType.FILE_TYPE_CHARACTER_DEVICE;
            case BLOCK_DEVICE -> FileType.FILE_TYPE_BLOCK_DEVICE;
            default -> FileType.FILE_TYPE_SOCKET;
        };
    }

    /** Returns the path that the sandbox sees. */
    private ByteString seen(ByteString path) {
        return layer.file().isEmpty() ? join(layer.target(), path.substring(1)) : layer.target();
    }

    private static ByteString join(ByteString directory, ByteString name) {
        return directory.endsWith(SLASH)
                ? directory.concat(name)
                : directory.concat(SLASH).concat(name);
    }

    private void told(Change change) {
        taker.accept(ReadChangesResponse.newBuilder().setChange(change).build());
    }

    private static void close(int fd) {
        if (fd >= 0) {
            Linux.close(fd);
        }
    }
}
