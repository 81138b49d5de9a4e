package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.TreeEntry;
import org.barchan.v1.FileType;

/**
 * What an archive says of a file.
 *
 * @param type unspecified: of a kind that is left out
 * @param linkName of a symbolic link where it leads, of a hard link the other name
 * @param size of a regular file, with its holes
 * @param extents of a regular file with holes, where data is told
 */
record TarHeader(
        ByteString name,
        FileType type,
        int mode,
        int uid,
        int gid,
        Timestamp modifyTime,
        ByteString linkName,
        boolean isHardLink,
        long size,
        Optional<List<TreeEntry.Extent>> extents) {}
