package org.barchan.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.barchan.client.BarchanException;
import org.barchan.client.Change;
import org.barchan.client.FileContent;
import org.barchan.client.FileInfo;
import org.barchan.client.SandboxFiles;

/**
 * Copies files of a sandbox to the host. The sandbox may say anything of them: each is made by its name in a directory that is open, and nothing
 * goes through a symbolic link but what the caller has named. Owned by one thread.
 */
final class CopyToHost {
    private static final int PERMISSIONS = 0777;
    private static final int ALL_BITS = 07777;
    /** Of a directory and those that it is in: a sandbox may tell of any number of files. */
    private static final long MAX_LISTED_BYTES = 64 << 20;

    private static final int ENTRY_COST = 256;

    private final SandboxFiles files;
    private final CopyReport report;
    private final boolean owners;
    private long listedBytes;

    /** @param owners whether they are kept, which root alone can */
    CopyToHost(SandboxFiles files, CopyReport report, boolean owners) {
        this.files = files;
        this.report = report;
        this.owners = owners;
    }

    private record Entry(String name, FileInfo info) {}

    void copy(CopyPath from, CopyPath to, boolean follow) throws BarchanException, IOException {
        FileInfo info = files.stat(from.path(), follow || from.directory());
        boolean isDirectory = info.type() == Change.Type.DIRECTORY;
        if (from.directory() && !isDirectory) {
            throw new BarchanException(BarchanException.Code.PRECONDITION, from.path() + ": not a directory");
        }
        if (isHostDirectory(to.path())) {
            int directory = HostFiles.open(to.path());
            try {
                if (from.contents() || from.name().isEmpty()) {
                    children(from.path(), directory, to.path());
                } else {
                    entry(from.path(), info, directory, from.name(), CopyPath.below(to.path(), from.name()));
                }
            } finally {
                HostFiles.close(directory);
            }
            return;
        }
        if (to.name().isEmpty() || (to.directory() && !isDirectory)) {
            throw new BarchanException(BarchanException.Code.PRECONDITION, to.path() + ": no such directory");
        }
        int parent = HostFiles.open(to.parent());
        try {
            entry(from.path(), info, parent, to.name(), to.path());
        } finally {
            HostFiles.close(parent);
        }
    }

    private static boolean isHostDirectory(String path) throws HostFiles.Failure {
        try {
            return HostFiles.stat(HostFiles.WORKING_DIRECTORY, path, true).isDirectory();
        } catch (HostFiles.Failure e) {
            if (e.errno() == HostFiles.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    /** @param shown the path on the host, for messages */
    private void entry(String path, FileInfo info, int directory, String name, String shown)
            throws BarchanException, IOException {
        switch (info.type()) {
            case REGULAR -> report.attempt(shown, () -> file(path, directory, name));
            case DIRECTORY -> report.attempt(shown, () -> directory(path, info, directory, name, shown));
            case SYMLINK -> report.attempt(shown, () -> link(info, directory, name));
            case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE, UNKNOWN ->
                report.failed(shown, "is a special file in the sandbox (" + JsonReport.lower(info.type()) + ")");
        }
    }

    private void directory(String path, FileInfo info, int parent, String name, String shown)
            throws BarchanException, IOException {
        boolean made = HostFiles.makeDirectory(parent, name);
        int directory = HostFiles.openDirectory(parent, name);
        try {
            children(path, directory, shown);
            if (made) {
                attributes(directory, info);
            }
        } finally {
            HostFiles.close(directory);
        }
    }

    private void children(String path, int directory, String shown) throws BarchanException, IOException {
        List<Entry> entries = new ArrayList<>();
        long before = listedBytes;
        try {
            files.list(path, (name, info) -> {
                listedBytes += ENTRY_COST
                        + name.length()
                        + info.linkTarget().map(String::length).orElse(0);
                if (listedBytes > MAX_LISTED_BYTES) {
                    throw new UncheckedIOException(new IOException("too many files"));
                }
                entries.add(new Entry(name, info));
            });
        } catch (UncheckedIOException e) {
            listedBytes = before;
            report.failed(
                    shown,
                    "has more files, with those of the directories that it is in, than fit into "
                            + (MAX_LISTED_BYTES >> 20) + " MiB: none of them is copied");
            return;
        }
        for (Entry entry : entries) {
            String name = entry.name();
            if (name.isEmpty()
                    || name.equals(".")
                    || name.equals("..")
                    || name.indexOf('/') >= 0
                    || name.indexOf(0) >= 0) {
                throw new BarchanException(
                        BarchanException.Code.INTERNAL, "the agent told of a file with a name that none has");
            }
            entry(CopyPath.below(path, name), entry.info(), directory, name, CopyPath.below(shown, name));
        }
        listedBytes = before;
    }

    private void link(FileInfo info, int directory, String name) throws BarchanException, IOException {
        String temporary = temporary();
        HostFiles.makeLink(info.linkTarget().orElse(""), directory, temporary);
        finish(directory, temporary, name, () -> {
            if (owners) {
                HostFiles.owner(directory, temporary, info.uid(), info.gid());
            }
            HostFiles.time(directory, temporary, info.modifyTime());
        });
    }

    private void file(String path, int directory, String name) throws BarchanException, IOException {
        String temporary = temporary();
        int fd = HostFiles.create(directory, temporary);
        try {
            finish(directory, temporary, name, () -> {
                HostContent content = new HostContent(fd);
                FileInfo info = files.read(path, content);
                HostFiles.truncate(fd, content.size);
                attributes(fd, info);
            });
        } finally {
            HostFiles.close(fd);
        }
    }

    /** Gives a file its name when all is done, and removes it if that fails. */
    private static void finish(int directory, String temporary, String name, CopyReport.Step work)
            throws BarchanException, IOException {
        boolean done = false;
        try {
            work.perform();
            HostFiles.rename(directory, temporary, name);
            done = true;
        } finally {
            if (!done) {
                HostFiles.remove(directory, temporary);
            }
        }
    }

    private static String temporary() {
        return ".barchan-" + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime());
    }

    private void attributes(int fd, FileInfo info) throws IOException {
        if (owners) {
            HostFiles.owner(fd, "", info.uid(), info.gid());
        }
        HostFiles.mode(fd, info.mode() & (owners ? ALL_BITS : PERMISSIONS));
        HostFiles.time(fd, "", info.modifyTime());
    }

    private final class HostContent implements FileContent {
        private final int fd;
        private long size;

        HostContent(int fd) {
            this.fd = fd;
        }

        @Override
        public void data(ByteBuffer bytes) throws IOException {
            byte[] chunk = new byte[bytes.remaining()];
            bytes.get(chunk);
            if (chunk.length > 0) {
                HostFiles.write(fd, chunk);
            }
            size += chunk.length;
            report.copied(chunk.length);
        }

        @Override
        public void hole(long bytes) throws IOException {
            HostFiles.skip(fd, bytes);
            size += bytes;
        }
    }
}
