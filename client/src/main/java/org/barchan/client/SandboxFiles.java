package org.barchan.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.function.BiConsumer;

/**
 * The files of a sandbox that runs, as a process of its root user sees them. Paths are absolute and have no part "." or ".."; they and names are as
 * {@link RawText} has them. Links lead nowhere out of the sandbox's root. Thread-safe; up to 8 files may be read and written at once.
 *
 * <p>All methods throw NOT_FOUND if there is no such sandbox or file, PRECONDITION if the sandbox does not run or the file is not of the kind that
 * is needed, ALREADY_EXISTS, DENIED, EXHAUSTED if there is no room, UNAVAILABLE if the sandbox ends meanwhile.
 */
public interface SandboxFiles {
    /** @param follow whether a symbolic link stands for what it leads to */
    FileInfo stat(String path, boolean follow) throws BarchanException;

    /**
     * Lists a directory.
     *
     * @param listener told name and file, by this thread, in no order; no name has a slash or leads elsewhere
     */
    void list(String path, BiConsumer<String, FileInfo> listener) throws BarchanException;

    /**
     * Reads a regular file.
     *
     * @param content called by this thread
     * @throws IOException what {@code content} throws
     */
    FileInfo read(String path, FileContent content) throws BarchanException, IOException;

    /** Says what is in a file. */
    @FunctionalInterface
    interface Source {
        void writeTo(FileContent content) throws IOException;
    }

    /**
     * Writes a regular file: until all of it is there, who opens it sees the one that was there before. What attributes are not given are those of
     * the file that is replaced, else mode 0644, owner and group 0, and now.
     *
     * @param source called by this thread
     * @throws IOException what {@code source} throws; the file is as it was before
     */
    FileInfo write(String path, FileAttributes attributes, Source source) throws BarchanException, IOException;

    /** @param parents whether directories above it are made, too, and one that is there is none the worse */
    void makeDirectory(String path, boolean parents, FileAttributes attributes) throws BarchanException;

    /** @param replace whether what is there and no directory is replaced */
    void makeSymbolicLink(String path, String target, boolean replace, FileAttributes attributes)
            throws BarchanException;

    /** @param recursive whether a directory goes with all that is in it */
    void remove(String path, boolean recursive) throws BarchanException;

    /** @param replace whether what is at the new path is replaced */
    void rename(String path, String newPath, boolean replace) throws BarchanException;

    /** @param follow whether a symbolic link stands for what it leads to */
    FileInfo setAttributes(String path, boolean follow, FileAttributes attributes) throws BarchanException;

    /**
     * Makes a tar archive of a file, or of a directory with all that is in it. Sockets and what the kernel makes up, as in /proc, are not in it.
     *
     * @param follow whether a symbolic link stands for what it leads to
     * @param contents whether names begin with "./", which stands for the path, instead of its last part
     * @param out gets it; it is whole only if this returns
     * @throws IOException what {@code out} throws
     */
    void readArchive(String path, boolean follow, boolean contents, OutputStream out)
            throws BarchanException, IOException;

    /**
     * Unpacks a tar archive, no entry of which lands outside of the directory. What can't be unpacked ends it; what was before that stays.
     *
     * @param directory one that is there
     * @param keepOwners whether files get the owners that the archive has, and all bits of modes
     * @throws BarchanException also INVALID: it is no tar archive, has names that can't be, or ends before its end
     * @throws IOException what {@code archive} throws
     */
    UnpackedArchive writeArchive(String directory, boolean keepOwners, InputStream archive)
            throws BarchanException, IOException;
}
