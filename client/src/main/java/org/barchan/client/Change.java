package org.barchan.client;

import java.time.Instant;
import java.util.Optional;

/**
 * Something that a sandbox has made of what an overlay covers.
 *
 * @param path absolute path in the sandbox; see {@link RawText}
 * @param file what is there now; empty for what was deleted
 */
public record Change(String path, Kind kind, Optional<FileStatus> file) {
    /** What was done. */
    public enum Kind {
        /** The source has nothing at that place. */
        ADDED,
        /** The source has something else there. */
        CHANGED,
        /** The source has something there. */
        DELETED,
        /** Something that this client does not know. */
        UNKNOWN
    }

    /** What a file is. */
    public enum Type {
        REGULAR,
        DIRECTORY,
        SYMLINK,
        FIFO,
        SOCKET,
        CHARACTER_DEVICE,
        BLOCK_DEVICE,
        /** Something that this client does not know. */
        UNKNOWN
    }

    /**
     * What is there now.
     *
     * @param mode permission bits
     * @param sizeBytes of a regular file: its size
     * @param linkTarget of a symbolic link: where it leads
     * @param replaced of a directory: whether it hides all that the source has at its place
     */
    public record FileStatus(
            Type type,
            int mode,
            long uid,
            long gid,
            long sizeBytes,
            Instant modifyTime,
            Optional<String> linkTarget,
            boolean replaced) {}
}
