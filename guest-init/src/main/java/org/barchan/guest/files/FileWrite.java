package org.barchan.guest.files;

import com.google.protobuf.ByteString;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.barchan.guest.v1.WriteFileStart;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.FileInfo;
import org.jspecify.annotations.Nullable;

/** A file that is being written under another name, and takes its place when it is whole. Closed before that, nothing of it is left. Owned by one thread at a time. */
public final class FileWrite implements AutoCloseable {
    private static final int NEW_FILE = 0644;

    private final Place place;
    private final Place.Temporary file;
    private final FileAttributes attributes;
    private final boolean sync;
    private final @Nullable Stat replaced;
    private long size;

    private FileWrite(Place place, @Nullable Stat replaced, FileAttributes attributes, boolean sync) throws Errno {
        this.place = place;
        this.replaced = replaced;
        this.attributes = attributes;
        this.sync = sync;
        this.file = place.createBeside();
    }

    /** Begins to write a file that takes whatever is at a place, but not that of a directory. Closes the place, in any case. */
    static FileWrite at(Place place, FileAttributes attributes) throws Errno {
        boolean begun = false;
        try {
            Stat stat = place.stat();
            if (stat != null && FileKind.isDirectory(stat)) {
                throw new Errno(Place.text(place.path()), Errno.EISDIR);
            }
            Stat replaced = stat != null && FileKind.isRegular(stat) ? stat : null;
            FileWrite write = new FileWrite(place, replaced, attributes, false);
            begun = true;
            return write;
        } finally {
            if (!begun) {
                place.close();
            }
        }
    }

    static FileWrite begin(int root, WriteFileStart start) throws Errno {
        Place place = Place.ofTarget(root, start.getPath().toByteArray());
        boolean begun = false;
        try {
            Stat stat = place.stat();
            if (stat != null && FileKind.isDirectory(stat)) {
                throw new Errno(Place.text(place.path()), Errno.EISDIR);
            }
            if (stat != null && !FileKind.isRegular(stat)) {
                throw new IllegalStateException(
                        Place.text(place.path()) + ": is a special file, which is neither read nor written");
            }
            FileWrite write = new FileWrite(place, stat, start.getAttributes(), start.getSync());
            begun = true;
            return write;
        } finally {
            if (!begun) {
                place.close();
            }
        }
    }

    /** Writes what follows. */
    public void data(ByteString data) throws Errno {
        byte[] bytes = data.toByteArray();
        for (int done = 0; done < bytes.length; ) {
            int n = Linux.write(file.fd(), bytes, done, bytes.length - done);
            if (n < 0) {
                throw new Errno(Place.text(place.path()), -n);
            }
            done += n;
        }
        size += bytes.length;
    }

    /** Leaves so many zero bytes out. */
    public void hole(long bytes) throws Errno {
        if (bytes < 0 || bytes > Long.MAX_VALUE - size) {
            throw new Errno(Place.text(place.path()), Errno.EFBIG);
        }
        size += bytes;
        long at = SandboxFiles.seek(file.fd(), bytes, SandboxFiles.To.AHEAD);
        if (at < 0) {
            throw new Errno(Place.text(place.path()), (int) -at);
        }
    }

    /** Puts the whole file in its place. */
    public FileInfo finish() throws Errno {
        SandboxFiles.truncate(file.fd(), size, place.path());
        FileAttributes.Builder wanted = attributes.toBuilder();
        Stat before = replaced;
        if (!wanted.hasMode()) {
            wanted.setMode(before == null ? NEW_FILE : FileKind.permissions(before));
        }
        if (before != null && !wanted.hasUid()) {
            wanted.setUid(before.uid());
        }
        if (before != null && !wanted.hasGid()) {
            wanted.setGid(before.gid());
        }
        Attributes.set(file.fd(), wanted.build(), place.path());
        if (sync) {
            SandboxFiles.sync(file.fd(), place.path());
        }
        file.place();
        return Attributes.look(file.fd(), place.path());
    }

    @Override
    public void close() {
        file.close();
        place.close();
    }
}
