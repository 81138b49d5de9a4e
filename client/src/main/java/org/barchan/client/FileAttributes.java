package org.barchan.client;

import java.time.Instant;
import java.util.Optional;

/**
 * What a file in a sandbox is given; what is empty is left as it is, or as it is for new files.
 *
 * @param mode permission bits
 */
public record FileAttributes(
        Optional<Integer> mode, Optional<Long> uid, Optional<Long> gid, Optional<Instant> modifyTime) {
    /** Gives nothing. */
    public static final FileAttributes NONE =
            new FileAttributes(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
}
