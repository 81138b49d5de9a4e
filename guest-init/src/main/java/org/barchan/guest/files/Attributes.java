package org.barchan.guest.files;

import com.google.protobuf.Timestamp;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.FileInfo;

/** Owner, mode and time of what a descriptor is about. */
final class Attributes {
    private static final byte[] ITSELF = {};

    private Attributes() {}

    static Stat stat(int fd, byte[] path) throws Errno {
        Stat stat = Linux.statAt(fd, ITSELF);
        if (stat == null) {
            throw new Errno(Place.text(path), Errno.ENOENT);
        }
        return stat;
    }

    static FileInfo look(int fd, byte[] path) throws Errno {
        return FileKind.info(fd, ITSELF, stat(fd, path));
    }

    /** Sets what is given and differs: who may not change an owner may still say who it is. */
    static void set(int fd, FileAttributes wanted, byte[] path) throws Errno {
        Stat now = stat(fd, path);
        boolean owner = wanted.hasUid() && wanted.getUid() != now.uid();
        boolean group = wanted.hasGid() && wanted.getGid() != now.gid();
        // The mode is set again behind an owner, who takes bits of it away.
        boolean mode = wanted.hasMode() && (owner || group || wanted.getMode() != FileKind.permissions(now));
        Timestamp time = wanted.getModifyTime();
        long seconds = time.getSeconds();
        int nanos = wanted.hasModifyTime() ? time.getNanos() : SandboxFiles.KEEP;
        SandboxFiles.set(
                fd,
                owner ? Integer.toUnsignedLong(wanted.getUid()) : SandboxFiles.KEEP,
                group ? Integer.toUnsignedLong(wanted.getGid()) : SandboxFiles.KEEP,
                mode ? wanted.getMode() : SandboxFiles.KEEP,
                seconds,
                nanos,
                path);
    }
}
