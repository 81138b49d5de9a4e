package org.barchan.host;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;

/** A directory that is the agent's user's alone. */
final class PrivateDirectory {
    private PrivateDirectory() {}

    /**
     * Makes it if it is not there, and closes it to all others.
     *
     * @throws IOException when it is not a directory itself, as a symbolic link is not, or another user's: saying so, with the remedy
     */
    static void make(Path directory) throws IOException {
        try {
            makeNow(directory);
        } catch (FileSystemException e) {
            throw new IOException(
                    "making the runtime directory " + directory + ": " + e + "; set BARCHAN_RUNTIME_DIR", e);
        }
    }

    private static void makeNow(Path directory) throws IOException {
        if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("the runtime directory " + directory
                    + " is no directory (a symbolic link could lead anywhere): remove it, or set BARCHAN_RUNTIME_DIR");
        }
        Object owner = Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (!owner.equals(self)) {
            throw new IOException("the runtime directory " + directory + " belongs to user " + owner
                    + ", not to the agent's (" + self + "): remove it, or set BARCHAN_RUNTIME_DIR");
        }
        Files.getFileAttributeView(directory, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .setPermissions(PosixFilePermissions.fromString("rwx------"));
    }
}
