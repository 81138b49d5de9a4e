package org.barchan.guest.files;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.jspecify.annotations.Nullable;

/**
 * A name in a directory of the sandbox, whether or not there is such a file. Owned by one thread at a time.
 *
 * <p>What is done to it is done in this directory, wherever that is moved meanwhile, and follows no link.
 */
final class Place implements AutoCloseable {
    private static final byte[] HERE = {'.'};
    private static final byte[] ABOVE = {'.', '.'};
    /** As many as the kernel follows. */
    private static final int MAX_LINKS = 40;

    private static final int MAX_PATH = 4095;

    private final int directory;
    private final byte[] name;
    private final byte[] path;

    private Place(int directory, byte[] name, byte[] path) {
        this.directory = directory;
        this.name = name;
        this.path = path;
    }

    /** Finds the directory of a path. */
    static Place of(int root, byte[] path) throws Errno {
        byte[] name = nameOf(path);
        if (name.length == 0 || Arrays.equals(name, HERE) || Arrays.equals(name, ABOVE)) {
            throw new IllegalArgumentException("path: it ends in no name of a file (expected: /DIRECTORY/NAME)");
        }
        int parent = SandboxFiles.find(root, directoryOf(path), true);
        return new Place(parent, name, path);
    }

    /** As {@link #of}, for a path below a directory, which leads nowhere out of that. */
    static Place below(int directory, byte[] path) throws Errno {
        int slash = lastSlash(path);
        byte[] parent = slash < 0 ? HERE : Arrays.copyOf(path, slash);
        return new Place(SandboxFiles.findBelow(directory, parent, true), nameOf(path), path);
    }

    /** As {@link #of}; where there is a link, the place to which that leads. */
    static Place ofTarget(int root, byte[] path) throws Errno {
        byte[] at = path;
        for (int links = 0; links < MAX_LINKS; links++) {
            Place place = of(root, at);
            boolean found = false;
            try {
                Stat stat = place.stat();
                if (stat == null || !FileKind.isLink(stat)) {
                    found = true;
                    return place;
                }
                byte[] target = Linux.readLinkAt(place.directory, place.name);
                at = target[0] == '/' ? target : join(directoryOf(at), target);
            } finally {
                if (!found) {
                    place.close();
                }
            }
            if (at.length > MAX_PATH) {
                throw new Errno(text(path), Errno.ENAMETOOLONG);
            }
        }
        throw new Errno(text(path), Errno.ELOOP);
    }

    /** Returns what is before the last slash, and that where it is the first. */
    static byte[] directoryOf(byte[] path) {
        int slash = lastSlash(path);
        return slash <= 0 ? new byte[] {'/'} : Arrays.copyOf(path, slash);
    }

    /** Returns what is behind the last slash. */
    static byte[] nameOf(byte[] path) {
        return Arrays.copyOfRange(path, lastSlash(path) + 1, path.length);
    }

    private static int lastSlash(byte[] path) {
        int at = path.length - 1;
        while (at >= 0 && path[at] != '/') {
            at--;
        }
        return at;
    }

    private static byte[] join(byte[] directory, byte[] name) {
        byte[] joined = Arrays.copyOf(directory, directory.length + 1 + name.length);
        joined[directory.length] = '/';
        System.arraycopy(name, 0, joined, directory.length + 1, name.length);
        return joined;
    }

    static String text(byte[] path) {
        return new String(path, StandardCharsets.UTF_8);
    }

    byte[] path() {
        return path;
    }

    /** Returns what is there, a link itself; null if nothing is. */
    @Nullable Stat stat() throws Errno {
        return Linux.statAt(directory, name);
    }

    /** Returns a descriptor of what is there, a link itself. */
    int find() throws Errno {
        return SandboxFiles.find(directory, name, false);
    }

    /** Makes a file beside it, of a name that none has. */
    Temporary createBeside() throws Errno {
        Temporary temporary = new Temporary();
        temporary.fd = retried(temporary, beside -> SandboxFiles.create(directory, beside, path));
        return temporary;
    }

    /** Makes a link beside it, of a name that none has. */
    Temporary createLinkBeside(byte[] target) throws Errno {
        Temporary temporary = new Temporary();
        temporary.fd = retried(temporary, beside -> {
            SandboxFiles.makeLink(target, directory, beside, path);
            return SandboxFiles.find(directory, beside, false);
        });
        return temporary;
    }

    /** Makes another name of a file beside this place, of a name that none has. */
    Temporary createHardLinkBeside(Place file) throws Errno {
        Temporary temporary = new Temporary();
        temporary.fd = retried(temporary, beside -> {
            SandboxFiles.makeHardLink(file.directory, file.name, directory, beside, path);
            return SandboxFiles.find(directory, beside, false);
        });
        return temporary;
    }

    private interface Creation {
        int create(byte[] name) throws Errno;
    }

    private static int retried(Temporary temporary, Creation creation) throws Errno {
        while (true) {
            try {
                return creation.create(temporary.name);
            } catch (Errno e) {
                if (e.number() != Errno.EEXIST) {
                    throw e;
                }
                temporary.name = Temporary.newName();
            }
        }
    }

    void makeDirectory() throws Errno {
        SandboxFiles.makeDirectory(directory, name, path);
    }

    void makeLink(byte[] target) throws Errno {
        SandboxFiles.makeLink(target, directory, name, path);
    }

    void moveTo(Place other, boolean replace) throws Errno {
        SandboxFiles.rename(directory, name, other.directory, other.name, replace, path);
    }

    void remove(boolean recursive) throws Errno {
        Removal.remove(directory, name, recursive, path);
    }

    @Override
    public void close() {
        Linux.close(directory);
    }

    /** A file beside the place, which is gone when it is closed, unless it has taken the place. */
    final class Temporary implements AutoCloseable {
        private byte[] name = newName();
        private int fd = -1;
        private boolean placed;

        private static byte[] newName() {
            return (".barchan-" + Long.toHexString(Linux.uptimeMicros())).getBytes(StandardCharsets.UTF_8);
        }

        int fd() {
            return fd;
        }

        /** Gives it the place's name. */
        void place() throws Errno {
            SandboxFiles.rename(directory, name, directory, Place.this.name, true, path);
            placed = true;
        }

        /** As {@link #place}; where the place has been another name of this file already, the kernel leaves both. */
        void placeHardLink() throws Errno {
            place();
            remove();
        }

        private void remove() {
            try {
                SandboxFiles.remove(directory, name, false, path);
            } catch (Errno e) {
                // Somebody else has removed it, or nothing can be done about it.
            }
        }

        @Override
        public void close() {
            Linux.close(fd);
            if (!placed) {
                remove();
            }
        }
    }
}
