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
 * other stays below the directory where that is done, also one that follows links or keeps what is there: a file is in a directory that was told last or
 * is around that; where a symbolic link was told there is never anything else, or below it; and what is told as another name is one of a file that was
 * told, and is not at or behind a link. Of links and such files it keeps some bytes each, of no more than a number of them.
 */
final class TreeGuard {
    private static final int MAX_PATH = 4095;
    private static final int MAX_NAME = 255;
    private static final int MAX_PIECES = 64 * 1024;
    private static final int MAX_DATA = 64 * 1024;
    /** More files than a disk of some terabytes has. */
    private static final long MAX_ENTRIES = 100_000_000;
    /** 2 MiB of memory. */
    private static final int MAX_LINKS = 190_000;

    private static final int MAX_LINKABLE = 8192;

    private final String action;
    private final FileGuard guard;
    /** Those around what comes next, the innermost first. */
    private final Deque<String> directories = new ArrayDeque<>();

    private final ToldPaths links = new ToldPaths(MAX_LINKS);
    private final ToldPaths linkable = new ToldPaths(MAX_LINKABLE);

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

    /** @throws SandboxException also {@code EXHAUSTED}: more links than are remembered */
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
        if (!regular
                && (entry.getSparse()
                        || entry.getLinkable()
                        || !entry.getHardLink().isEmpty())) {
            throw CheckedMessages.bad(action, "holes or other names of what is no regular file");
        }
        remember(entry, info.getType());
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
                throw CheckedMessages.bad(action, "a file that is not in the directory before it: " + escaped(bytes));
            }
        }
        if (directory) {
            directories.push(path);
        }
    }

    /** Whoever unpacks may keep a link that is there and write to where it leads. */
    private void remember(org.barchan.guest.v1.TreeEntry entry, FileType type) throws SandboxException {
        String path = entry.getPath().toString(StandardCharsets.ISO_8859_1);
        if (type == FileType.FILE_TYPE_SYMLINK) {
            if (!links.add(path)) {
                throw new SandboxException(
                        SandboxException.Code.EXHAUSTED,
                        action + ": more than " + MAX_LINKS
                                + " symbolic links (expected: fewer; take its directories one by one)");
            }
        } else if (links.contains(path)) {
            throw CheckedMessages.bad(action, "a file where it sent a symbolic link: " + escaped(entry.getPath()));
        }
        ByteString hardLink = entry.getHardLink();
        if (!hardLink.isEmpty()) {
            checkPath(hardLink);
            String target = hardLink.toString(StandardCharsets.ISO_8859_1);
            if (!linkable.contains(target) || links.containsAtOrAbove(target)) {
                throw CheckedMessages.bad(action, "another name of no file that it sent: " + escaped(hardLink));
            }
        } else if (entry.getLinkable() && !linkable.add(path)) {
            throw CheckedMessages.bad(action, "more than " + MAX_LINKABLE + " files that are to have other names");
        }
    }

    private static String escaped(ByteString path) {
        return EscapedText.of(path.toStringUtf8());
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
            throw CheckedMessages.bad(action, "a path that no file has: " + escaped(bytes));
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
