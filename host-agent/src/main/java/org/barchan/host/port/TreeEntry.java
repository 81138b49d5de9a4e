package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.Optional;
import org.barchan.v1.FileInfo;

/**
 * A file of a tree.
 *
 * @param path below the top, without a part "." or ".." and slashes at its ends; empty: the top itself
 * @param hardLink not empty: path of a regular file told before, which this is another name of; it has no data
 * @param extents of a regular file with holes, where its data is, in order; empty where all of it is data
 */
public record TreeEntry(ByteString path, FileInfo info, ByteString hardLink, Optional<List<Extent>> extents) {
    /** Most of them that a file may have; what has more is told as having no holes. */
    public static final int MAX_EXTENTS = 1024;

    /** Most slashes of a path. */
    public static final int MAX_DEPTH = 128;

    /** Data of a file. */
    public record Extent(long offset, long length) {}

    public TreeEntry {
        extents = extents.map(List::copyOf);
    }

    /** Returns a file without holes. */
    public static TreeEntry of(ByteString path, FileInfo info) {
        return new TreeEntry(path, info, ByteString.EMPTY, Optional.empty());
    }

    /** Returns how many bytes of data it comes with. */
    public long dataBytes() {
        return !hardLink.isEmpty()
                ? 0
                : extents.map(all -> all.stream().mapToLong(Extent::length).sum())
                        .orElse(info.getSizeBytes());
    }
}
