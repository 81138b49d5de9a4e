package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.util.List;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.DirectoryEntry;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;
import org.barchan.v1.ListDirectoryResponse;
import org.barchan.v1.ReadFileResponse;

/** Watches over what a guest tells of files: that each is one that a file system can have. Has no state. */
final class FileGuard {
    private static final int MAX_ENTRIES = 128;
    private static final int MAX_NAME = 255;
    private static final int MAX_TARGET = 4095;
    private static final int MAX_MODE = 07777;
    private static final int MAX_DATA = 64 * 1024;
    private static final int NANOS = 1_000_000_000;
    /** Of a timestamp, as its definition has it. */
    private static final long MIN_SECONDS = -62_135_596_800L;

    private static final long MAX_SECONDS = 253_402_300_799L;

    private static final ByteString HERE = ByteString.copyFromUtf8(".");
    private static final ByteString ABOVE = ByteString.copyFromUtf8("..");

    private final String action;

    /** @param action what was tried, for messages */
    FileGuard(String action) {
        this.action = action;
    }

    /**
     * Returns what is known of a file, and nothing else.
     *
     * @throws SandboxException {@code LOST} when no file is like that
     */
    FileInfo info(FileInfo info) throws SandboxException {
        FileType type = info.getType();
        boolean link = type == FileType.FILE_TYPE_SYMLINK;
        if (type == FileType.FILE_TYPE_UNSPECIFIED
                || type == FileType.UNRECOGNIZED
                || info.getMode() < 0
                || info.getMode() > MAX_MODE
                || info.getSizeBytes() < 0
                || (type != FileType.FILE_TYPE_REGULAR && info.getSizeBytes() != 0)
                || link == info.getLinkTarget().isEmpty()
                || info.getLinkTarget().size() > MAX_TARGET
                || holds(info.getLinkTarget(), 0)) {
            throw bad("a file with values that none has");
        }
        return FileInfo.newBuilder()
                .setType(type)
                .setMode(info.getMode())
                .setUid(info.getUid())
                .setGid(info.getGid())
                .setSizeBytes(info.getSizeBytes())
                .setModifyTime(time(info.getModifyTime()))
                .setLinkTarget(info.getLinkTarget())
                .setDeviceMajor(info.getDeviceMajor())
                .setDeviceMinor(info.getDeviceMinor())
                .build();
    }

    /** A file may have any time, but a message has not. */
    private Timestamp time(Timestamp time) throws SandboxException {
        long seconds = time.getSeconds();
        int nanos = time.getNanos();
        if (nanos < 0 || nanos >= NANOS) {
            throw bad("a file with a time that none has");
        }
        return Timestamp.newBuilder()
                .setSeconds(Math.clamp(seconds, MIN_SECONDS, MAX_SECONDS))
                .setNanos(nanos)
                .build();
    }

    /** @throws SandboxException {@code LOST} when there are too many, or one has a name that leads elsewhere */
    ListDirectoryResponse entries(List<DirectoryEntry> entries) throws SandboxException {
        if (entries.isEmpty() || entries.size() > MAX_ENTRIES) {
            throw bad(entries.size() + " entries at once (expected: 1 to " + MAX_ENTRIES + ")");
        }
        ListDirectoryResponse.Builder checked = ListDirectoryResponse.newBuilder();
        for (DirectoryEntry entry : entries) {
            ByteString name = entry.getName();
            if (name.isEmpty()
                    || name.size() > MAX_NAME
                    || name.equals(HERE)
                    || name.equals(ABOVE)
                    || holds(name, '/')
                    || holds(name, 0)) {
                throw bad("a name that no file has: " + EscapedText.of(name.toStringUtf8()));
            }
            checked.addEntries(DirectoryEntry.newBuilder().setName(name).setInfo(info(entry.getInfo())));
        }
        return checked.build();
    }

    private static boolean holds(ByteString bytes, int value) {
        for (int i = 0; i < bytes.size(); i++) {
            if (bytes.byteAt(i) == value) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns a message of a file that is read.
     *
     * @param first whether it is the first one
     * @param left how much more of the file may come
     * @throws SandboxException {@code LOST} when no honest guest sends this then
     */
    ReadFileResponse piece(org.barchan.guest.v1.ReadFileResponse piece, boolean first, long left)
            throws SandboxException {
        ReadFileResponse.Builder checked = ReadFileResponse.newBuilder();
        if (piece.hasInfo() != first) {
            throw bad(first ? "content of a file before what it is" : "another file before the end of one");
        }
        switch (piece.getPieceCase()) {
            case INFO -> {
                if (piece.getInfo().getType() != FileType.FILE_TYPE_REGULAR) {
                    throw bad("content of what is no regular file");
                }
                checked.setInfo(info(piece.getInfo()));
            }
            case DATA -> {
                int size = piece.getData().size();
                if (size == 0 || size > MAX_DATA || size > left) {
                    throw bad(size + " bytes of a file (expected: 1 to " + Math.min(MAX_DATA, left) + ")");
                }
                checked.setData(piece.getData());
            }
            case HOLE_BYTES -> {
                if (piece.getHoleBytes() <= 0 || piece.getHoleBytes() > left) {
                    throw bad("a hole of " + piece.getHoleBytes() + " bytes (expected: 1 to " + left + ")");
                }
                checked.setHoleBytes(piece.getHoleBytes());
            }
            case PIECE_NOT_SET -> throw bad("nothing of a file");
        }
        return checked.build();
    }

    /** @throws SandboxException {@code LOST} when nothing has come */
    void end(boolean nothing) throws SandboxException {
        if (nothing) {
            throw bad("nothing of a file");
        }
    }

    private SandboxException bad(String what) {
        return CheckedMessages.bad(action, what);
    }
}
