package org.barchan.guest.files;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;

/** What the kernel says of a file, and what the agent is told of it. */
final class FileKind {
    private static final int TYPE = 0170000;
    private static final int PERMISSIONS = 07777;

    private FileKind() {}

    static boolean isDirectory(Stat stat) {
        return type(stat.mode()) == FileType.FILE_TYPE_DIRECTORY;
    }

    static boolean isLink(Stat stat) {
        return type(stat.mode()) == FileType.FILE_TYPE_SYMLINK;
    }

    static boolean isRegular(Stat stat) {
        return type(stat.mode()) == FileType.FILE_TYPE_REGULAR;
    }

    static int permissions(Stat stat) {
        return stat.mode() & PERMISSIONS;
    }

    static FileType type(int mode) {
        return switch (mode & TYPE) {
            case 0010000 -> FileType.FILE_TYPE_FIFO;
            case 0020000 -> FileType.FILE_TYPE_CHARACTER_DEVICE;
            case 0040000 -> FileType.FILE_TYPE_DIRECTORY;
            case 0060000 -> FileType.FILE_TYPE_BLOCK_DEVICE;
            case 0100000 -> FileType.FILE_TYPE_REGULAR;
            case 0120000 -> FileType.FILE_TYPE_SYMLINK;
            default -> FileType.FILE_TYPE_SOCKET;
        };
    }

    /**
     * Describes a file.
     *
     * @param name in the directory; empty: what the descriptor itself is about
     */
    static FileInfo info(int directory, byte[] name, Stat stat) throws Errno {
        FileType type = type(stat.mode());
        FileInfo.Builder info = FileInfo.newBuilder()
                .setType(type)
                .setMode(permissions(stat))
                .setUid(stat.uid())
                .setGid(stat.gid())
                .setModifyTime(Timestamp.newBuilder().setSeconds(stat.seconds()).setNanos(stat.nanos()));
        switch (type) {
            case FILE_TYPE_REGULAR -> info.setSizeBytes(stat.size());
            case FILE_TYPE_SYMLINK -> info.setLinkTarget(ByteString.copyFrom(Linux.readLinkAt(directory, name)));
            case FILE_TYPE_CHARACTER_DEVICE, FILE_TYPE_BLOCK_DEVICE ->
                // As the C library's major() and minor() have it, as far as the kernel goes.
                info.setDeviceMajor((int) ((stat.device() >> 8) & 0xfff))
                        .setDeviceMinor((int) ((stat.device() & 0xff) | ((stat.device() >> 12) & 0xfff00)));
            case FILE_TYPE_DIRECTORY, FILE_TYPE_FIFO, FILE_TYPE_SOCKET, FILE_TYPE_UNSPECIFIED, UNRECOGNIZED -> {}
        }
        return info.build();
    }
}
