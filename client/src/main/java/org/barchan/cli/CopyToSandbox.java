package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Optional;
import org.barchan.client.BarchanException;
import org.barchan.client.Change;
import org.barchan.client.FileAttributes;
import org.barchan.client.FileContent;
import org.barchan.client.SandboxFiles;

/** Copies files of the host to a sandbox. Owned by one thread. */
final class CopyToSandbox {
    private static final int PERMISSIONS = 0777;
    /** With set-user-ID bits, which are worth something for the owner alone. */
    private static final int ALL_BITS = 07777;

    private static final int CHUNK = 64 * 1024;

    private final SandboxFiles files;
    private final CopyReport report;
    private final boolean owners;

    /** @param owners whether they are kept; else files that are new belong to root */
    CopyToSandbox(SandboxFiles files, CopyReport report, boolean owners) {
        this.files = files;
        this.report = report;
        this.owners = owners;
    }

    void copy(CopyPath from, CopyPath to, boolean follow) throws BarchanException, IOException {
        HostFiles.Stat stat;
        try {
            stat = HostFiles.stat(HostFiles.WORKING_DIRECTORY, from.path(), follow || from.directory());
        } catch (HostFiles.Failure e) {
            throw new IOException(from.path() + ": " + e.getMessage(), e);
        }
        if (from.directory() && !stat.isDirectory()) {
            throw new BarchanException(BarchanException.Code.PRECONDITION, from.path() + ": not a directory");
        }
        if (isSandboxDirectory(to.path())) {
            if (from.contents() || from.name().isEmpty()) {
                int directory = HostFiles.open(from.path());
                try {
                    children(directory, from.path(), to.path());
                } finally {
                    HostFiles.close(directory);
                }
            } else {
                entry(
                        HostFiles.WORKING_DIRECTORY,
                        from.path(),
                        stat,
                        CopyPath.below(to.path(), from.name()),
                        from.path());
            }
            return;
        }
        if (to.directory() && !stat.isDirectory()) {
            throw new BarchanException(
                    BarchanException.Code.PRECONDITION, to.path() + ": no such directory in the sandbox");
        }
        entry(HostFiles.WORKING_DIRECTORY, from.path(), stat, to.path(), from.path());
    }

    private boolean isSandboxDirectory(String path) throws BarchanException {
        try {
            return files.stat(path, true).type() == Change.Type.DIRECTORY;
        } catch (BarchanException e) {
            if (e.code() == BarchanException.Code.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Copies a file.
     *
     * @param stat what was looked at: of a link, if that is copied itself, the link
     * @param shown the path on the host, for messages
     */
    private void entry(int directory, String name, HostFiles.Stat stat, String path, String shown)
            throws BarchanException, IOException {
        if (stat.isRegular()) {
            report.attempt(shown, () -> file(directory, name, path));
        } else if (stat.isDirectory()) {
            report.attempt(shown, () -> directory(directory, name, path, shown));
        } else if (stat.isLink()) {
            report.attempt(
                    shown,
                    () -> files.makeSymbolicLink(
                            path, HostFiles.readLink(directory, name), true, attributes(stat, false)));
        } else {
            report.failed(shown, "is a special file");
        }
    }

    private FileAttributes attributes(HostFiles.Stat stat, boolean mode) {
        return new FileAttributes(
                mode ? Optional.of(stat.mode() & (owners ? ALL_BITS : PERMISSIONS)) : Optional.empty(),
                owners ? Optional.of(stat.uid()) : Optional.empty(),
                owners ? Optional.of(stat.gid()) : Optional.empty(),
                Optional.of(Instant.ofEpochSecond(stat.seconds(), stat.nanos())));
    }

    private void directory(int parent, String name, String path, String shown) throws BarchanException, IOException {
        // What the caller has named may be a link to one.
        int directory =
                parent == HostFiles.WORKING_DIRECTORY ? HostFiles.open(name) : HostFiles.openDirectory(parent, name);
        try {
            boolean made = makeDirectory(path);
            children(directory, shown, path);
            if (made) {
                var _ = files.setAttributes(path, false, attributes(HostFiles.stat(directory, "", false), true));
            }
        } finally {
            HostFiles.close(directory);
        }
    }

    private boolean makeDirectory(String path) throws BarchanException {
        try {
            files.makeDirectory(path, false, FileAttributes.NONE);
            return true;
        } catch (BarchanException e) {
            if (e.code() == BarchanException.Code.ALREADY_EXISTS && isSandboxDirectory(path)) {
                return false;
            }
            throw e;
        }
    }

    private void children(int directory, String shown, String path) throws BarchanException, IOException {
        for (String name : HostFiles.list(directory)) {
            String child = CopyPath.below(shown, name);
            HostFiles.Stat stat;
            try {
                stat = HostFiles.stat(directory, name, false);
            } catch (HostFiles.Failure e) {
                report.failed(child, String.valueOf(e.getMessage()));
                continue;
            }
            entry(directory, name, stat, CopyPath.below(path, name), child);
        }
    }

    private void file(int directory, String name, String path) throws BarchanException, IOException {
        int fd = HostFiles.openFile(directory, name, directory == HostFiles.WORKING_DIRECTORY);
        try {
            HostFiles.Stat stat = HostFiles.stat(fd, "", false);
            if (!stat.isRegular()) {
                throw new IOException("is no regular file any more");
            }
            var _ = files.write(path, attributes(stat, true), content -> read(fd, stat.size(), content));
        } finally {
            HostFiles.close(fd);
        }
    }

    /** What is written to it meanwhile behind its end is left out. */
    private void read(int fd, long size, FileContent content) throws IOException {
        byte[] chunk = new byte[CHUNK];
        long at = 0;
        while (at < size) {
            long data = HostFiles.findData(fd, at);
            long from = data < 0 ? size : Math.min(data, size);
            if (from > at) {
                content.hole(from - at);
                at = from;
            }
            if (at == size) {
                return;
            }
            long end = Math.min(size, HostFiles.findHole(fd, at));
            HostFiles.seek(fd, at);
            while (at < end) {
                int n = HostFiles.read(fd, chunk, (int) Math.min(CHUNK, end - at));
                if (n == 0) {
                    return; // It was cut off.
                }
                content.data(ByteBuffer.wrap(chunk, 0, n));
                at += n;
                report.copied(n);
            }
        }
    }
}
