package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.barchan.guest.v1.ReadTreeResponse;
import org.barchan.guest.v1.TreeExtent;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;

/**
 * Watches over the files of a tree that a guest tells of: that each is one that a file system can have, and that whoever makes them one after the
 * other stays below the directory where that is done: a file is in a directory that was told last or is around that, so never behind a link.
 */
final class TreeGuard {
    private static final int MAX_PATH = 4095;
    private static final int MAX_NAME = 255;
    private static final int MAX_PIECES = 64 * 1024;
    private static final int MAX_DATA = 64 * 1024;
    /** More files than a disk of some terabytes has. */
    private static final long MAX_ENTRIES = 100_000_000;

    private final String action;
    private final FileGuard guard;
    /** Those around what comes next, the innermost first. */
    private final Deque<String> directories = new ArrayDeque<>();

    private long entries;
    private long left;

    /** @param action what was tried, for messages */
    TreeGuard(String action) {
        this.action = action;
        guard = new FileGuard(action);
    }

    /** @throws SandboxException {@code LOST} when no honest guest sends this, as all methods do */
    void message(ReadTreeResponse response) throws SandboxException {
        if (response.getPiecesCount() == 0 || response.getPiecesCount() > MAX_PIECES) {
            throw CheckedMessages.bad(action, response.getPiecesCount() + " pieces at once");
        }
    }

    TreeEntry entry(org.barchan.guest.v1.TreeEntry entry) throws SandboxException {
        if (left != 0) {
            throw CheckedMessages.bad(action, "another file before the end of one");
        }
        entries++;
        if (entries > MAX_ENTRIES) {
            throw CheckedMessages.bad(action, "more than " + MAX_ENTRIES + " files");
        }
        FileInfo info = guard.info(entry.getInfo());
        place(entry.getPath(), info.getType() == FileType.FILE_TYPE_DIRECTORY);
        boolean regular = info.getType() == FileType.FILE_TYPE_REGULAR;
        if (!entry.getHardLink().isEmpty()) {
            checkPath(entry.getHardLink());
        }
        if (!regular && (entry.getSparse() || !entry.getHardLink().isEmpty())) {
            throw CheckedMessages.bad(action, "holes or other names of what is no regular file");
        }
        TreeEntry checked = new TreeEntry(
                entry.getPath(),
                info,
                entry.getHardLink(),
                entry.getSparse()
                        ? Optional.of(extents(entry.getExtentsList(), info.getSizeBytes()))
                        : Optional.empty());
        left = checked.dataBytes();
        return checked;
    }

    private void place(ByteString bytes, boolean directory) throws SandboxException {
        String path = bytes.toString(StandardCharsets.ISO_8859_1);
        if (bytes.isEmpty() != (entries == 1)) {
            throw CheckedMessages.bad(action, entries == 1 ? "a file before the top" : "the top again");
        }
        if (entries > 1) {
            checkPath(bytes);
            int slash = path.lastIndexOf('/');
            String parent = slash < 0 ? "" : path.substring(0, slash);
            while (!directories.isEmpty() && !directories.getFirst().equals(parent)) {
                directories.pop();
            }
            if (directories.isEmpty()) {
                throw CheckedMessages.bad(
                        action,
                        "a file that is not in the directory before it: " + EscapedText.of(bytes.toStringUtf8()));
            }
        }
        if (directory) {
            directories.push(path);
        }
    }

    private void checkPath(ByteString bytes) throws SandboxException {
        String[] names = bytes.toString(StandardCharsets.ISO_8859_1).split("/", -1);
        boolean good = bytes.size() <= MAX_PATH && names.length <= TreeEntry.MAX_DEPTH + 1;
        for (String name : names) {
            good &= !name.isEmpty()
                    && name.length() <= MAX_NAME
                    && !name.equals(".")
                    && !name.equals("..")
                    && name.indexOf(0) < 0;
        }
        if (!good) {
            throw CheckedMessages.bad(action, "a path that no file has: " + EscapedText.of(bytes.toStringUtf8()));
        }
    }

    private List<TreeEntry.Extent> extents(List<TreeExtent> told, long size) throws SandboxException {
        List<TreeEntry.Extent> extents = new ArrayList<>();
        long end = 0;
        for (TreeExtent extent : told) {
            long offset = extent.getOffset();
            long length = extent.getLengthBytes();
            if (offset < end || length <= 0 || offset > size || length > size - offset) {
                throw CheckedMessages.bad(action, "data where none can be in a file");
            }
            end = offset + length;
            extents.add(new TreeEntry.Extent(offset, length));
        }
        if (extents.size() > TreeEntry.MAX_EXTENTS) {
            throw CheckedMessages.bad(action, extents.size() + " pieces of a file at once");
        }
        return extents;
    }

    ByteString data(ByteString data) throws SandboxException {
        if (data.isEmpty() || data.size() > MAX_DATA || data.size() > left) {
            throw CheckedMessages.bad(
                    action, data.size() + " bytes of a file (expected: 1 to " + Math.min(MAX_DATA, left) + ")");
        }
        left -= data.size();
        return data;
    }

    /** What comes last is whole. */
    void end() throws SandboxException {
        if (left != 0 || entries == 0) {
            throw CheckedMessages.bad(action, "less of a file than its size");
        }
    }
}
