package org.barchan.host.adapter.link;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileType;

/**
 * Watches over the changes that a guest tells of: that each is one that an overlay can have, that none names anything outside of its
 * sandbox, and that whoever unpacks them one after the other stays in the directory where that is done. For one thread.
 */
final class ChangeGuard {
    private static final int MAX_PATH = 3 * 4096;
    private static final int MAX_NAME = 255;
    private static final int MAX_MODE = 07777;
    /** Some 30,000 years. */
    private static final long MAX_SECONDS = 1_000_000_000_000L;

    private static final int MAX_LINKS = 1_000_000;

    private final String action;
    private final boolean content;
    private final Set<String> links = new HashSet<>();
    private long left;

    /**
     * @param action what was tried, for messages
     * @param content whether what is in files comes along
     */
    ChangeGuard(String action, boolean content) {
        this.action = action;
        this.content = content;
    }

    /** @throws SandboxException {@code LOST} when no honest guest sends this after what it has sent so far */
    void check(ReadChangesResponse item) throws SandboxException {
        if (item.hasChange() && left == 0) {
            check(item.getChange());
            left = content ? item.getChange().getSizeBytes() : 0;
        } else if (item.hasData() && !item.getData().isEmpty() && item.getData().size() <= left) {
            left -= item.getData().size();
        } else {
            throw bad("another file before the end of one");
        }
    }

    /** @throws SandboxException {@code LOST} when this can't be the end */
    void checkEnd() throws SandboxException {
        if (left != 0) {
            throw bad("less of a file than its size");
        }
    }

    private void check(Change change) throws SandboxException {
        String path = change.getPath().toString(StandardCharsets.ISO_8859_1);
        if (!isPath(path)) {
            throw bad("a path that no file has: "
                    + EscapedText.of(change.getPath().toStringUtf8()));
        }
        boolean deleted = change.getKind() == ChangeKind.CHANGE_KIND_DELETED;
        if (change.getKind() == ChangeKind.UNRECOGNIZED
                || change.getKind() == ChangeKind.CHANGE_KIND_UNSPECIFIED
                || change.getType() == FileType.UNRECOGNIZED
                || deleted != (change.getType() == FileType.FILE_TYPE_UNSPECIFIED)) {
            throw bad("a change of an unknown kind");
        }
        boolean regular = change.getType() == FileType.FILE_TYPE_REGULAR;
        if (change.getSizeBytes() < 0
                || (!regular && change.getSizeBytes() != 0)
                || change.getMode() < 0
                || change.getMode() > MAX_MODE
                || change.getLinkTarget().size() > MAX_PATH
                || change.getModifyTime().getSeconds() < -MAX_SECONDS
                || change.getModifyTime().getSeconds() > MAX_SECONDS) {
            throw bad("a change with values that no file has");
        }
        if (isAtOrBelowLink(path)) {
            throw bad("a file at or below a symbolic link that it sent before: "
                    + EscapedText.of(change.getPath().toStringUtf8()));
        }
        if (change.getType() == FileType.FILE_TYPE_SYMLINK) {
            links.add(path);
            if (links.size() > MAX_LINKS) {
                throw bad("over " + MAX_LINKS + " symbolic links");
            }
        }
    }

    private static boolean isPath(String path) {
        boolean good = path.startsWith("/") && path.length() <= MAX_PATH && path.indexOf(0) < 0;
        for (String name : good && path.length() > 1 ? path.substring(1).split("/", -1) : new String[0]) {
            good &= !name.isEmpty() && !name.equals(".") && !name.equals("..") && name.length() <= MAX_NAME;
        }
        return good;
    }

    private boolean isAtOrBelowLink(String path) {
        for (int end = path.length(); end > 0 && !links.isEmpty(); end = path.lastIndexOf('/', end - 1)) {
            if (links.contains(path.substring(0, end))) {
                return true;
            }
        }
        return false;
    }

    private SandboxException bad(String what) {
        return CheckedMessages.bad(action, what);
    }
}
