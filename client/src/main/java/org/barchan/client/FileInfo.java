package org.barchan.client;

import java.time.Instant;
import java.util.Optional;

/**
 * What is known of a file in a sandbox.
 *
 * @param mode permission bits
 * @param sizeBytes of a regular file: its size
 * @param linkTarget of a symbolic link: where it leads, any text but one with NUL; see {@link RawText}
 */
public record FileInfo(
        Change.Type type,
        int mode,
        long uid,
        long gid,
        long sizeBytes,
        Instant modifyTime,
        Optional<String> linkTarget) {}
