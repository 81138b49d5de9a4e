package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.barchan.client.RawText;
import org.graalvm.nativeimage.PinnedObject;
import org.graalvm.nativeimage.c.type.CCharPointer;
import org.graalvm.nativeimage.c.type.CTypeConversion;

/** Files of the host, each named by a directory that is open and a name in it; see files.c. Works only inside the native image. Names are as {@link RawText} has them. */
final class HostFiles {
    /** Stands for the working directory: a path may be a name then. */
    static final int WORKING_DIRECTORY = -100;

    static final int ENOENT = 2;
    static final int ENXIO = 6;
    static final int EEXIST = 17;
    static final int ENOSPC = 28;

    private static final int RECORD_LENGTH = 16;
    private static final int NAME = 19;

    private HostFiles() {}

    /** A system call that failed. */
    static final class Failure extends IOException {
        private static final long serialVersionUID = 1L;
        private final int errno;

        Failure(String action, int errno) {
            super(action + ": " + CTypeConversion.toJavaString(NativeFileCalls.strerror(errno)));
            this.errno = errno;
        }

        int errno() {
            return errno;
        }
    }

    /**
     * What is known of a file.
     *
     * @param mode with the bits of its type
     */
    record Stat(int mode, long uid, long gid, long size, long seconds, int nanos) {
        private static final int TYPE = 0170000;

        boolean isDirectory() {
            return (mode & TYPE) == 0040000;
        }

        boolean isRegular() {
            return (mode & TYPE) == 0100000;
        }

        boolean isLink() {
            return (mode & TYPE) == 0120000;
        }
    }

    /** Opens a directory of the caller's; links are followed. */
    static int open(String path) throws Failure {
        try (PinnedObject p = pin(path)) {
            return check("open", NativeFileCalls.open(chars(p)));
        }
    }

    static int openDirectory(int directory, String name) throws Failure {
        try (PinnedObject n = pin(name)) {
            return check("open the directory", NativeFileCalls.openDirectory(directory, chars(n)));
        }
    }

    static int openFile(int directory, String name, boolean follow) throws Failure {
        try (PinnedObject n = pin(name)) {
            return check("open", NativeFileCalls.openFile(directory, chars(n), follow ? 1 : 0));
        }
    }

    /** @param name empty: what the descriptor itself is about */
    static Stat stat(int directory, String name, boolean follow) throws Failure {
        long[] facts = new long[6];
        try (PinnedObject n = pin(name);
                PinnedObject f = PinnedObject.create(facts)) {
            check("look at it", NativeFileCalls.stat(directory, chars(n), follow ? 1 : 0, f.addressOfArrayElement(0)));
        }
        return new Stat((int) facts[0], facts[1], facts[2], facts[3], facts[4], (int) facts[5]);
    }

    static String readLink(int directory, String name) throws Failure {
        byte[] target = new byte[4096];
        try (PinnedObject n = pin(name);
                PinnedObject t = PinnedObject.create(target)) {
            int size = NativeFileCalls.readLink(directory, chars(n), t.addressOfArrayElement(0), target.length);
            return RawText.decode(Arrays.copyOf(target, check("read the link", size)));
        }
    }

    /** Returns the names in a directory but "." and "..". */
    static List<String> list(int directory) throws Failure {
        List<String> names = new ArrayList<>();
        byte[] entries = new byte[32 * 1024];
        ByteBuffer view = ByteBuffer.wrap(entries).order(ByteOrder.nativeOrder());
        while (true) {
            int size;
            try (PinnedObject e = PinnedObject.create(entries)) {
                size = check("list", NativeFileCalls.list(directory, e.addressOfArrayElement(0), entries.length));
            }
            if (size == 0) {
                names.sort(null);
                return names;
            }
            for (int at = 0; at < size; at += view.getShort(at + RECORD_LENGTH)) {
                int end = at + NAME;
                while (entries[end] != 0) {
                    end++;
                }
                String name = RawText.decode(Arrays.copyOfRange(entries, at + NAME, end));
                if (!name.equals(".") && !name.equals("..")) {
                    names.add(name);
                }
            }
        }
    }

    /** Makes a file that is not there. */
    static int create(int directory, String name) throws Failure {
        try (PinnedObject n = pin(name)) {
            return check("create", NativeFileCalls.create(directory, chars(n)));
        }
    }

    /** Returns false if there is something of that name. */
    static boolean makeDirectory(int directory, String name) throws Failure {
        try (PinnedObject n = pin(name)) {
            int made = NativeFileCalls.makeDirectory(directory, chars(n));
            return made != -EEXIST && check("create the directory", made) == 0;
        }
    }

    static void makeLink(String target, int directory, String name) throws Failure {
        try (PinnedObject t = pin(target);
                PinnedObject n = pin(name)) {
            check("create the link", NativeFileCalls.makeLink(chars(t), directory, chars(n)));
        }
    }

    /** Removes a file that may be there. */
    static void remove(int directory, String name) {
        try (PinnedObject n = pin(name)) {
            var _ = NativeFileCalls.remove(directory, chars(n));
        }
    }

    static void rename(int directory, String name, String newName) throws Failure {
        try (PinnedObject n = pin(name);
                PinnedObject m = pin(newName)) {
            check("give it its name", NativeFileCalls.rename(directory, chars(n), chars(m)));
        }
    }

    static void owner(int directory, String name, long uid, long gid) throws Failure {
        try (PinnedObject n = pin(name)) {
            check("give it its owner", NativeFileCalls.owner(directory, chars(n), uid, gid));
        }
    }

    static void mode(int fd, int mode) throws Failure {
        check("give it its mode", NativeFileCalls.mode(fd, mode));
    }

    static void time(int directory, String name, Instant time) throws Failure {
        long seconds = time.getEpochSecond();
        int nanos = time.getNano();
        try (PinnedObject n = pin(name)) {
            check("give it its time", NativeFileCalls.time(directory, chars(n), seconds, nanos));
        }
    }

    /** Returns how much was read, 0 at the end. */
    static int read(int fd, byte[] buffer, int size) throws Failure {
        try (PinnedObject p = PinnedObject.create(buffer)) {
            return check("read", NativeFileCalls.read(fd, p.addressOfArrayElement(0), Math.min(size, buffer.length)));
        }
    }

    static void write(int fd, byte[] bytes) throws Failure {
        try (PinnedObject p = PinnedObject.create(bytes)) {
            for (int done = 0; done < bytes.length; ) {
                done += check("write", NativeFileCalls.write(fd, p.addressOfArrayElement(done), bytes.length - done));
            }
        }
    }

    /** Returns where data begins, -1 if none does; what knows no holes is all data. */
    static long findData(int fd, long from) {
        long at = NativeFileCalls.seek(fd, from, 0);
        return at >= 0 ? at : at == -ENXIO ? -1 : from;
    }

    static long findHole(int fd, long from) {
        long at = NativeFileCalls.seek(fd, from, 1);
        return at < 0 ? Long.MAX_VALUE : at;
    }

    static void seek(int fd, long place) throws Failure {
        check("read", (int) Math.min(0, NativeFileCalls.seek(fd, place, 2)));
    }

    static void skip(int fd, long bytes) throws Failure {
        check("write", (int) Math.min(0, NativeFileCalls.seek(fd, bytes, 3)));
    }

    static void truncate(int fd, long size) throws Failure {
        check("write", NativeFileCalls.truncate(fd, size));
    }

    static void close(int fd) {
        if (fd >= 0) {
            var _ = NativeFileCalls.close(fd);
        }
    }

    private static int check(String action, int result) throws Failure {
        if (result < 0) {
            throw new Failure(action, -result);
        }
        return result;
    }

    private static PinnedObject pin(String text) {
        byte[] bytes = RawText.encode(text);
        return PinnedObject.create(Arrays.copyOf(bytes, bytes.length + 1));
    }

    private static CCharPointer chars(PinnedObject pinned) {
        return pinned.addressOfArrayElement(0);
    }
}
