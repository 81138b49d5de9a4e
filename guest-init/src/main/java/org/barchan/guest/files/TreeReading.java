package org.barchan.guest.files;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.barchan.guest.v1.ReadTreeResponse;
import org.barchan.guest.v1.TreeEntry;
import org.barchan.guest.v1.TreeExtent;
import org.barchan.guest.v1.TreePiece;

/**
 * A file, or a directory with all that is in it, told piece by piece. Follows no link. What has gone when it is its turn is left out. Owned by one
 * thread.
 */
final class TreeReading {
    /** Each level has a descriptor open, and some memory. */
    private static final int MAX_DEPTH = 128;

    private static final int NAMES_AT_ONCE = 8 * 1024;
    private static final int MESSAGE = 64 * 1024;
    private static final int CHUNK = 64 * 1024;
    /** What follows the last of them is data, holes and all. */
    private static final int MAX_EXTENTS = 1024;

    /** Of files with several names, for as many as fit here the other names are told as such. */
    private static final int LINK_MEMORY = 1 << 20;

    private static final int LINK_COST = 128;
    private static final byte[] ITSELF = {};
    private static final ByteString SLASH = ByteString.copyFromUtf8("/");

    private final byte[] top;
    private final Consumer<ReadTreeResponse> taker;
    private final ReadTreeResponse.Builder some = ReadTreeResponse.newBuilder();
    private final Map<FileId, ByteString> links = new HashMap<>();
    private int size;
    private int linkMemory = LINK_MEMORY;
    private byte[] chunk = {};

    private record FileId(long fileSystem, long inode) {
        static FileId of(Stat stat) {
            return new FileId(stat.fileSystem(), stat.inode());
        }
    }

    /** @param top its path, for messages */
    TreeReading(byte[] top, Consumer<ReadTreeResponse> taker) {
        this.top = top;
        this.taker = taker;
    }

    /** @param place a descriptor by which the top can be looked at */
    void read(int place) throws Errno {
        Stat stat = Attributes.stat(place, top);
        if (FileKind.isDirectory(stat)) {
            directory(Linux.reopenDirectory(place), ByteString.EMPTY, 0);
        } else if (FileKind.isRegular(stat)) {
            file(SandboxFiles.reopenFile(place, top), ByteString.EMPTY);
        } else {
            add(TreeEntry.newBuilder().setInfo(FileKind.info(place, ITSELF, stat)));
        }
        flush();
    }

    /** Tells what is at a name, whatever it is now. */
    private void entry(int directory, byte[] name, ByteString path, int depth) throws Errno {
        try {
            Stat stat = Linux.statAt(directory, name);
            if (stat == null) {
                return;
            }
            if (FileKind.isDirectory(stat)) {
                directory(Linux.openDirectoryAt(directory, name), path, depth);
            } else if (FileKind.isRegular(stat)) {
                file(Linux.openFileAt(directory, name), path);
            } else {
                add(TreeEntry.newBuilder().setPath(path).setInfo(FileKind.info(directory, name, stat)));
            }
        } catch (Errno e) {
            if (!hasGone(e)) {
                throw e;
            }
        }
    }

    /** Whether a file is no more what it was when it was looked at. */
    private static boolean hasGone(Errno e) {
        return switch (e.number()) {
            case Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP, Errno.EINVAL, Errno.ENXIO -> true;
            default -> false;
        };
    }

    /** @param directory is closed */
    private void directory(int directory, ByteString path, int depth) throws Errno {
        try {
            if (depth > MAX_DEPTH) {
                throw new IllegalArgumentException(
                        text(path) + ": more than " + MAX_DEPTH + " directories below each other");
            }
            add(TreeEntry.newBuilder().setPath(path).setInfo(Attributes.look(directory, top)));
            // What was asked for by name is wanted.
            if (depth > 0 && SandboxFiles.isMadeUp(directory)) {
                return;
            }
            Linux.forEachName(
                    directory,
                    NAMES_AT_ONCE,
                    name -> entry(directory, name, join(path, ByteString.copyFrom(name)), depth + 1));
        } finally {
            Linux.close(directory);
        }
    }

    private static ByteString join(ByteString path, ByteString name) {
        return path.isEmpty() ? name : path.concat(SLASH).concat(name);
    }

    /** @param file is closed */
    private void file(int file, ByteString path) throws Errno {
        try {
            Stat stat = Attributes.stat(file, top);
            if (!FileKind.isRegular(stat)) {
                return;
            }
            TreeEntry.Builder entry = TreeEntry.newBuilder().setPath(path).setInfo(FileKind.info(file, ITSELF, stat));
            ByteString other = otherName(stat, path);
            if (!other.isEmpty()) {
                add(entry.setHardLink(other));
                return;
            }
            entry.setLinkable(stat.links() > 1 && links.containsKey(FileId.of(stat)));
            List<TreeExtent> extents = extents(file, stat.size());
            boolean whole = extents.size() == 1
                    && extents.getFirst().getOffset() == 0
                    && extents.getFirst().getLengthBytes() == stat.size();
            if (!whole && stat.size() > 0) {
                entry.setSparse(true).addAllExtents(extents);
            }
            add(entry);
            for (TreeExtent extent : extents) {
                content(file, path, extent);
            }
        } finally {
            Linux.close(file);
        }
    }

    /** Returns the name under which a file was told already; empty if it was not. */
    private ByteString otherName(Stat stat, ByteString path) {
        if (stat.links() < 2) {
            return ByteString.EMPTY;
        }
        FileId id = FileId.of(stat);
        ByteString told = links.get(id);
        if (told != null) {
            return told;
        }
        int cost = LINK_COST + path.size();
        if (cost <= linkMemory) {
            linkMemory -= cost;
            links.put(id, ByteString.copyFrom(path.toByteArray()));
        }
        return ByteString.EMPTY;
    }

    /** Returns where a file has data; everywhere, if its file system knows no holes. */
    private static List<TreeExtent> extents(int file, long size) {
        List<TreeExtent> extents = new ArrayList<>();
        long at = 0;
        while (at < size) {
            long data = SandboxFiles.seek(file, at, SandboxFiles.To.DATA);
            if (data == -Errno.ENXIO || data >= size) {
                break;
            }
            long from = data < 0 ? at : data;
            long hole = extents.size() == MAX_EXTENTS - 1 ? size : SandboxFiles.seek(file, from, SandboxFiles.To.HOLE);
            long end = hole <= from || hole > size ? size : hole;
            extents.add(TreeExtent.newBuilder()
                    .setOffset(from)
                    .setLengthBytes(end - from)
                    .build());
            at = end;
        }
        return extents;
    }

    private void content(int file, ByteString path, TreeExtent extent) throws Errno {
        if (chunk.length == 0) {
            chunk = new byte[CHUNK];
        }
        long there = SandboxFiles.seek(file, extent.getOffset(), SandboxFiles.To.START);
        if (there < 0) {
            throw unreadable(path, (int) -there);
        }
        for (long left = extent.getLengthBytes(); left > 0; ) {
            int n = Linux.read(file, chunk, 0, (int) Math.min(CHUNK, left));
            if (n < 0) {
                throw unreadable(path, -n);
            }
            if (n == 0) {
                throw new IllegalStateException(text(path) + ": has become shorter while it was read");
            }
            add(TreePiece.newBuilder().setData(ByteString.copyFrom(chunk, 0, n)).build(), n);
            left -= n;
        }
    }

    /** What was told of the file can't be taken back: it is no more left out. */
    private IllegalStateException unreadable(ByteString path, int errno) {
        return new IllegalStateException(new Errno(text(path), errno).getMessage());
    }

    private String text(ByteString path) {
        String name = Place.text(top);
        return path.isEmpty() ? name : (name.equals("/") ? "" : name) + "/" + path.toStringUtf8();
    }

    private void add(TreeEntry.Builder entry) {
        TreePiece piece = TreePiece.newBuilder().setEntry(entry).build();
        add(piece, piece.getSerializedSize());
    }

    private void add(TreePiece piece, int bytes) {
        if (size + bytes > MESSAGE) {
            flush();
        }
        some.addPieces(piece);
        size += bytes;
    }

    private void flush() {
        if (some.getPiecesCount() > 0) {
            taker.accept(some.build());
            some.clear();
            size = 0;
        }
    }
}
