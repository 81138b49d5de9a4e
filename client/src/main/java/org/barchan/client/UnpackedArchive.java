package org.barchan.client;

import java.util.List;

/**
 * What became of an archive that was unpacked in a sandbox.
 *
 * @param entries how many of its entries are there
 * @param skipped how many are not, since they are FIFOs, sockets, devices or of an unknown kind
 * @param skippedNames the names of the first 100 of those, as {@link RawText} has them
 */
public record UnpackedArchive(long entries, long skipped, List<String> skippedNames) {
    public UnpackedArchive {
        skippedNames = List.copyOf(skippedNames);
    }
}
