package org.barchan.guest.syscall;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.graalvm.nativeimage.PinnedObject;
import org.graalvm.nativeimage.c.type.CCharPointer;

/** The system calls for files of the sandbox, beside those of {@link Linux}. Works only inside the native image. Names are bytes. */
public final class SandboxFiles {
    /** Leaves an attribute as it is. */
    public static final int KEEP = -1;

    /** Where {@link #seek} goes. */
    public enum To {
        START(0),
        DATA(1),
        HOLE(2),
        AHEAD(3);

        private final int code;

        To(int code) {
            this.code = code;
        }
    }

    private SandboxFiles() {}

    /** Returns a descriptor of a process's root, by which a path can be found but nothing read. */
    public static int openRoot(String root) throws Errno {
        int fd = Linux.openBelow(root, new byte[] {'/'}, Linux.Make.NOTHING);
        return (int) check(fd, "find the sandbox's root");
    }

    /**
     * Returns a descriptor of what is at a path, by which it can be looked at but not read.
     *
     * @param path absolute; links are followed, but lead nowhere outside of the root
     * @param follow whether the last part is followed, too
     */
    public static int find(int root, byte[] path, boolean follow) throws Errno {
        try (PinnedObject p = pin(path)) {
            return (int) check(NativeFileCalls.find(root, chars(p), follow ? 1 : 0), path);
        }
    }

    /**
     * Returns a descriptor of what is at a path below a directory, by which it can be looked at but not read. A link on the way that leads out of the
     * directory is not followed, and any that begins with a slash does: EXDEV.
     *
     * @param path relative; "." for the directory itself
     * @param follow whether the last part is followed, too
     */
    public static int findBelow(int directory, byte[] path, boolean follow) throws Errno {
        try (PinnedObject p = pin(path)) {
            return (int) check(NativeFileCalls.findBelow(directory, chars(p), follow ? 1 : 0), path);
        }
    }

    /** Whether the kernel makes up what is in the file system of an open directory, as in /proc. */
    public static boolean isMadeUp(int directory) {
        return NativeFileCalls.isMadeUp(directory) == 1;
    }

    /** Opens a regular file of which a descriptor only names the place. Waits for nobody. */
    public static int reopenFile(int fd, byte[] path) throws Errno {
        return (int) check(NativeCalls.reopen(fd, Linux.O_RDONLY | Linux.O_NONBLOCK), path);
    }

    /** Makes a file that is not there, to be written by root alone. */
    public static int create(int directory, byte[] name, byte[] path) throws Errno {
        try (PinnedObject n = pin(name)) {
            return (int) check(NativeFileCalls.create(directory, chars(n)), path);
        }
    }

    public static void makeDirectory(int directory, byte[] name, byte[] path) throws Errno {
        try (PinnedObject n = pin(name)) {
            check(NativeFileCalls.makeDirectory(directory, chars(n)), path);
        }
    }

    public static void makeLink(byte[] target, int directory, byte[] name, byte[] path) throws Errno {
        try (PinnedObject t = pin(target);
                PinnedObject n = pin(name)) {
            check(NativeFileCalls.makeLink(chars(t), directory, chars(n)), path);
        }
    }

    /** Gives a file, which may be a symbolic link, another name. */
    public static void makeHardLink(int from, byte[] name, int directory, byte[] newName, byte[] path) throws Errno {
        try (PinnedObject n = pin(name);
                PinnedObject m = pin(newName)) {
            check(NativeFileCalls.makeHardLink(from, chars(n), directory, chars(m)), path);
        }
    }

    /** @param isDirectory whether an empty directory is removed, or anything else */
    public static void remove(int directory, byte[] name, boolean isDirectory, byte[] path) throws Errno {
        try (PinnedObject n = pin(name)) {
            check(NativeFileCalls.remove(directory, chars(n), isDirectory ? 1 : 0), path);
        }
    }

    public static void rename(int from, byte[] name, int to, byte[] newName, boolean replace, byte[] path)
            throws Errno {
        try (PinnedObject n = pin(name);
                PinnedObject m = pin(newName)) {
            check(NativeFileCalls.rename(from, chars(n), to, chars(m), replace ? 1 : 0), path);
        }
    }

    /**
     * Gives what a descriptor is about other attributes; each may be {@link #KEEP}.
     *
     * @param nanos of the time of the last change, with {@code seconds}
     */
    public static void set(int fd, long uid, long gid, int mode, long seconds, int nanos, byte[] path) throws Errno {
        check(NativeFileCalls.set(fd, uid, gid, mode, seconds, nanos), path);
    }

    /** Returns where it is then, or a negated errno. */
    public static long seek(int fd, long offset, To where) {
        return NativeFileCalls.seek(fd, offset, where.code);
    }

    public static void truncate(int fd, long size, byte[] path) throws Errno {
        check(NativeFileCalls.truncate(fd, size), path);
    }

    /** Returns when what was written to a file is on its device. */
    public static void sync(int fd, byte[] path) throws Errno {
        check(NativeFileCalls.sync(fd), path);
    }

    private static long check(long result, byte[] path) throws Errno {
        return check(result, new String(path, StandardCharsets.UTF_8));
    }

    private static long check(long result, String subject) throws Errno {
        if (result < 0) {
            throw new Errno(subject, (int) -result);
        }
        return result;
    }

    private static PinnedObject pin(byte[] text) {
        return PinnedObject.create(Arrays.copyOf(text, text.length + 1));
    }

    private static CCharPointer chars(PinnedObject pinned) {
        return pinned.addressOfArrayElement(0);
    }
}
