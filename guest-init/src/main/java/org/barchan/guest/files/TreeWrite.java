package org.barchan.guest.files;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.barchan.guest.v1.TreeEntry;
import org.barchan.guest.v1.TreeExtent;
import org.barchan.guest.v1.TreePiece;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.FileInfo;
import org.jspecify.annotations.Nullable;

/**
 * Files that are made below a directory, which none of them leaves: paths are resolved below it alone, whatever links are there or come to be
 * there. Closed before it is finished, the file that is half-written is gone; the others stay. Owned by one thread at a time.
 */
public final class TreeWrite implements AutoCloseable {
    private static final int PERMISSIONS = 0777;
    private static final int NEW_DIRECTORY = 0755;
    private static final int MAX_DEPTH = 128;

    private final int directory;
    private final boolean keepOwners;
    /** Those that were made and may still get files, each in the one before: they get their time behind those. */
    private final Deque<Made> made = new ArrayDeque<>();

    private @Nullable FileWrite file;
    private long expected;
    private List<TreeExtent> extents = List.of();
    private int nextExtent;
    /** What is left of the extent before that. */
    private long inExtent;

    private long written;

    private record Made(ByteString path, FileAttributes time) {}

    private TreeWrite(int directory, boolean keepOwners) {
        this.directory = directory;
        this.keepOwners = keepOwners;
    }

    /** @param found a descriptor by which the directory can be looked at, which is closed */
    static TreeWrite begin(int found, byte[] path, boolean keepOwners) throws Errno {
        boolean begun = false;
        try {
            if (!FileKind.isDirectory(Attributes.stat(found, path))) {
                throw new Errno(Place.text(path), Errno.ENOTDIR);
            }
            begun = true;
            return new TreeWrite(found, keepOwners);
        } finally {
            if (!begun) {
                Linux.close(found);
            }
        }
    }

    /** Makes what comes next, or more of it. */
    public void piece(TreePiece piece) throws Errno {
        switch (piece.getPieceCase()) {
            case ENTRY -> entry(piece.getEntry());
            case DATA -> data(piece.getData());
            case PIECE_NOT_SET -> throw new IllegalArgumentException("piece: empty (expected: entry or data)");
        }
    }

    private void entry(TreeEntry entry) throws Errno {
        endFile();
        byte[] path = checked(entry.getPath());
        leaveDirectories(entry.getPath());
        if (!entry.getHardLink().isEmpty()) {
            hardLink(path, checked(entry.getHardLink()));
            return;
        }
        switch (entry.getInfo().getType()) {
            case FILE_TYPE_DIRECTORY -> directory(path, entry);
            case FILE_TYPE_REGULAR -> file(path, entry);
            case FILE_TYPE_SYMLINK -> symbolicLink(path, entry);
            case FILE_TYPE_FIFO,
                    FILE_TYPE_SOCKET,
                    FILE_TYPE_CHARACTER_DEVICE,
                    FILE_TYPE_BLOCK_DEVICE,
                    FILE_TYPE_UNSPECIFIED,
                    UNRECOGNIZED ->
                throw new IllegalArgumentException(Place.text(path) + ": is of no kind that is made");
        }
    }

    private static byte[] checked(ByteString path) {
        String text = path.toString(StandardCharsets.ISO_8859_1);
        String[] parts = text.split("/", -1);
        for (String part : parts) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                throw new IllegalArgumentException("path: '" + path.toStringUtf8()
                        + "' (expected: names with a slash between them, none of them '.' or '..')");
            }
        }
        if (parts.length > MAX_DEPTH + 1 || text.indexOf(0) >= 0) {
            throw new IllegalArgumentException("path: '" + path.toStringUtf8() + "' (expected: at most " + MAX_DEPTH
                    + " directories below each other, and no NUL)");
        }
        return path.toByteArray();
    }

    private FileAttributes attributes(FileInfo info) {
        FileAttributes.Builder attributes = FileAttributes.newBuilder()
                .setMode(keepOwners ? info.getMode() : info.getMode() & PERMISSIONS)
                .setModifyTime(info.getModifyTime());
        return (keepOwners ? attributes.setUid(info.getUid()).setGid(info.getGid()) : attributes).build();
    }

    /** Finds where a path is to be, and makes directories on the way. */
    private Place place(byte[] path) throws Errno {
        try {
            return Place.below(directory, path);
        } catch (Errno e) {
            if (e.number() != Errno.ENOENT) {
                throw e;
            }
        }
        for (int slash = 1; slash < path.length; slash++) {
            if (path[slash] == '/') {
                try (Place parent = Place.below(directory, Arrays.copyOf(path, slash))) {
                    if (parent.stat() == null) {
                        make(
                                parent,
                                FileAttributes.newBuilder()
                                        .setMode(NEW_DIRECTORY)
                                        .build());
                    }
                }
            }
        }
        return Place.below(directory, path);
    }

    private static void make(Place place, FileAttributes attributes) throws Errno {
        place.makeDirectory();
        int found = place.find();
        try {
            Attributes.set(found, attributes, place.path());
        } finally {
            Linux.close(found);
        }
    }

    private void directory(byte[] path, TreeEntry entry) throws Errno {
        try (Place place = place(path)) {
            Stat stat = place.stat();
            if (stat == null) {
                FileAttributes attributes = attributes(entry.getInfo());
                make(place, attributes);
                FileAttributes time = FileAttributes.newBuilder()
                        .setModifyTime(attributes.getModifyTime())
                        .build();
                // Not of the message, of which it would be a part.
                made.push(new Made(ByteString.copyFrom(path), time));
            } else if (!FileKind.isDirectory(stat) && !(FileKind.isLink(stat) && leadsToDirectory(path))) {
                throw new Errno(Place.text(path), Errno.ENOTDIR);
            }
        }
    }

    private boolean leadsToDirectory(byte[] path) throws Errno {
        int found = SandboxFiles.findBelow(directory, path, true);
        try {
            return FileKind.isDirectory(Attributes.stat(found, path));
        } finally {
            Linux.close(found);
        }
    }

    private void symbolicLink(byte[] path, TreeEntry entry) throws Errno {
        FileAttributes attributes =
                attributes(entry.getInfo()).toBuilder().clearMode().build();
        try (Place place = place(path);
                Place.Temporary link =
                        place.createLinkBeside(entry.getInfo().getLinkTarget().toByteArray())) {
            Attributes.set(link.fd(), attributes, path);
            link.place();
        }
    }

    private void hardLink(byte[] path, byte[] other) throws Errno {
        try (Place place = place(path);
                Place from = Place.below(directory, other);
                Place.Temporary link = place.createHardLinkBeside(from)) {
            link.placeHardLink();
        }
    }

    private void file(byte[] path, TreeEntry entry) throws Errno {
        file = FileWrite.at(place(path), attributes(entry.getInfo()));
        long size = entry.getInfo().getSizeBytes();
        TreeExtent whole = TreeExtent.newBuilder().setLengthBytes(size).build();
        extents = entry.getSparse() ? entry.getExtentsList() : size == 0 ? List.of() : List.of(whole);
        expected = size;
        written = 0;
        inExtent = 0;
        nextExtent = 0;
    }

    private void data(ByteString data) throws Errno {
        FileWrite open = file;
        if (open == null) {
            throw new IllegalArgumentException("data: behind no file");
        }
        for (int done = 0; done < data.size(); ) {
            if (inExtent == 0) {
                beginExtent(open);
            }
            int n = (int) Math.min(data.size() - done, inExtent);
            open.data(data.substring(done, done + n));
            done += n;
            inExtent -= n;
            written += n;
        }
    }

    private void beginExtent(FileWrite open) throws Errno {
        TreeExtent extent = nextExtent < extents.size() ? extents.get(nextExtent) : TreeExtent.getDefaultInstance();
        nextExtent++;
        if (extent.getOffset() < written
                || extent.getLengthBytes() <= 0
                || extent.getLengthBytes() > expected - extent.getOffset()) {
            throw new IllegalArgumentException("data: more than the file has room for, or extents that overlap");
        }
        open.hole(extent.getOffset() - written);
        written = extent.getOffset();
        inExtent = extent.getLengthBytes();
    }

    private void endFile() throws Errno {
        FileWrite open = file;
        if (open == null) {
            return;
        }
        if (inExtent > 0 || nextExtent < extents.size() || expected < written) {
            throw new IllegalArgumentException("data: less than the file has");
        }
        open.hole(expected - written);
        var _ = open.finish();
        open.close();
        file = null;
    }

    /** Gives those their time that hold nothing of what comes. */
    private void leaveDirectories(ByteString path) throws Errno {
        while (!made.isEmpty() && !isBelow(path, made.getFirst().path())) {
            Made left = made.pop();
            try {
                int found = SandboxFiles.findBelow(directory, left.path().toByteArray(), false);
                try {
                    Attributes.set(found, left.time(), left.path().toByteArray());
                } finally {
                    Linux.close(found);
                }
            } catch (Errno e) {
                if (e.number() != Errno.ENOENT) {
                    throw e;
                }
            }
        }
    }

    private static boolean isBelow(ByteString path, ByteString directory) {
        return path.size() > directory.size() && path.startsWith(directory) && path.byteAt(directory.size()) == '/';
    }

    /** Ends the last file. */
    public void finish() throws Errno {
        endFile();
        leaveDirectories(ByteString.EMPTY);
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
        Linux.close(directory);
    }
}
