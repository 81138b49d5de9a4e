package org.barchan.guest.files;

import java.util.ArrayList;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;

/** Removes files, and directories with all that is in them. */
final class Removal {
    /** Each level has a descriptor open. */
    private static final int MAX_DEPTH = 128;

    private static final int BATCH = 1000;

    private Removal() {}

    /** @param path of what is removed, for messages */
    static void remove(int directory, byte[] name, boolean recursive, byte[] path) throws Errno {
        Stat stat = Linux.statAt(directory, name);
        if (stat == null) {
            throw new Errno(Place.text(path), Errno.ENOENT);
        }
        if (recursive && FileKind.isDirectory(stat)) {
            empty(directory, name, path, 1);
        }
        SandboxFiles.remove(directory, name, FileKind.isDirectory(stat), path);
    }

    private static void empty(int directory, byte[] name, byte[] path, int depth) throws Errno {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException(Place.text(path) + ": more than " + MAX_DEPTH
                    + " directories below each other: remove the lower ones first");
        }
        int opened = Linux.openDirectoryAt(directory, name);
        try {
            List<byte[]> some = names(opened);
            while (!some.isEmpty()) {
                for (byte[] one : some) {
                    removeBelow(opened, one, path, depth);
                }
                var _ = SandboxFiles.seek(opened, 0, SandboxFiles.To.START);
                some = names(opened);
            }
        } finally {
            Linux.close(opened);
        }
    }

    private static void removeBelow(int directory, byte[] name, byte[] path, int depth) throws Errno {
        Stat stat = Linux.statAt(directory, name);
        if (stat == null) {
            return;
        }
        if (FileKind.isDirectory(stat)) {
            empty(directory, name, path, depth + 1);
        }
        try {
            SandboxFiles.remove(directory, name, FileKind.isDirectory(stat), path);
        } catch (Errno e) {
            if (e.number() != Errno.ENOENT) {
                throw e;
            }
        }
    }

    /** Not more than so many: a directory may have any number. */
    private static List<byte[]> names(int directory) throws Errno {
        List<byte[]> some = new ArrayList<>();
        Linux.forEachName(directory, name -> {
            if (some.size() < BATCH) {
                some.add(name);
            }
        });
        return some;
    }
}
