package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.barchan.host.port.TreeEntry;
import org.barchan.v1.FileInfo;

/** A tar archive that is written. Names are bytes: each is a character here. Owned by one thread. */
final class TarOutput {
    private static final int RECORD = 512;
    private static final int SHORT_NAME = 80;
    /** Where GNU tar puts names of files with holes for who does not know them. */
    private static final String SPARSE_NAME = "GNUSparseFile.0/";

    private final OutputStream out;
    private final TarArchiveOutputStream tar;
    private long left;

    TarOutput(OutputStream out) {
        this.out = out;
        tar = new TarArchiveOutputStream(out, StandardCharsets.ISO_8859_1.name());
        // Long names are told before it is asked for them: it cuts off one character after the other.
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_ERROR);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
    }

    /** Adds a file; of a regular one, as much data as it has is to follow. */
    void file(String name, FileInfo info) throws IOException {
        switch (info.getType()) {
            case FILE_TYPE_REGULAR -> {
                TarArchiveEntry entry = entry(name, TarConstants.LF_NORMAL, info);
                begin(entry, info.getSizeBytes());
            }
            case FILE_TYPE_DIRECTORY -> put(entry(name + "/", TarConstants.LF_DIR, info));
            case FILE_TYPE_SYMLINK ->
                link(name, TarConstants.LF_SYMLINK, info, info.getLinkTarget().toString(StandardCharsets.ISO_8859_1));
            case FILE_TYPE_FIFO -> put(entry(name, TarConstants.LF_FIFO, info));
            case FILE_TYPE_CHARACTER_DEVICE -> device(name, TarConstants.LF_CHR, info);
            case FILE_TYPE_BLOCK_DEVICE -> device(name, TarConstants.LF_BLK, info);
            case FILE_TYPE_SOCKET, FILE_TYPE_UNSPECIFIED, UNRECOGNIZED -> {
                // tar knows no sockets; who made one makes it again.
            }
        }
    }

    /** Adds another name of a file that is there already. */
    void hardLink(String name, FileInfo info, String other) throws IOException {
        link(name, TarConstants.LF_LINK, info, other);
    }

    private void link(String name, byte type, FileInfo info, String target) throws IOException {
        announce(TarConstants.LF_GNUTYPE_LONGLINK, target);
        TarArchiveEntry entry = entry(name, type, info);
        entry.setLinkName(cut(target));
        put(entry);
    }

    private void device(String name, byte type, FileInfo info) throws IOException {
        TarArchiveEntry entry = entry(name, type, info);
        entry.setDevMajor(info.getDeviceMajor());
        entry.setDevMinor(info.getDeviceMinor());
        put(entry);
    }

    /** Adds a regular file with holes, as GNU tar does it in version 1.0 of its format for that; its data is to follow. */
    void sparse(String name, FileInfo info, List<TreeEntry.Extent> extents) throws IOException {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        record(records, "GNU.sparse.major", "1");
        record(records, "GNU.sparse.minor", "0");
        record(records, "GNU.sparse.name", name);
        record(records, "GNU.sparse.realsize", Long.toString(info.getSizeBytes()));
        String last = name.substring(name.lastIndexOf('/') + 1);
        String shown = SPARSE_NAME + last.substring(0, Math.min(SHORT_NAME, last.length()));
        TarArchiveEntry header = new TarArchiveEntry(shown, TarConstants.LF_PAX_EXTENDED_HEADER_LC, true);
        header.setSize(records.size());
        // Else the library adds records for the time that it is, which readers would take for the file's.
        header.setLastModifiedTime(FileTime.from(Instant.EPOCH));
        tar.putArchiveEntry(header);
        tar.write(records.toByteArray());
        tar.closeArchiveEntry();

        byte[] map = map(extents, info.getSizeBytes());
        long data = extents.stream().mapToLong(TreeEntry.Extent::length).sum();
        TarArchiveEntry entry = entry(shown, TarConstants.LF_NORMAL, info);
        // Without a header of their own, since the file has one already.
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
        begin(entry, map.length + data);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        data(ByteString.copyFrom(map));
    }

    /** A record begins with its length, of which that number is a part. */
    private static void record(ByteArrayOutputStream records, String key, String value) {
        int size = key.length() + value.length() + 3;
        int length = size + Integer.toString(size).length();
        length = size + Integer.toString(length).length();
        records.writeBytes((length + " " + key + "=" + value + "\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] map(List<TreeEntry.Extent> extents, long size) {
        long end = extents.isEmpty()
                ? 0
                : extents.getLast().offset() + extents.getLast().length();
        StringBuilder map = new StringBuilder();
        map.append(extents.size() + (end < size ? 1 : 0)).append('\n');
        extents.forEach(extent ->
                map.append(extent.offset()).append('\n').append(extent.length()).append('\n'));
        if (end < size) {
            // Without this GNU tar makes the file end with its data.
            map.append(size).append("\n0\n");
        }
        map.repeat(0, (RECORD - map.length() % RECORD) % RECORD);
        return map.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Adds an empty file of no owner. */
    void empty(String name) throws IOException {
        announce(TarConstants.LF_GNUTYPE_LONGNAME, name);
        TarArchiveEntry entry = new TarArchiveEntry(cut(name), TarConstants.LF_NORMAL, true);
        entry.setLastModifiedTime(FileTime.from(Instant.EPOCH));
        put(entry);
    }

    private TarArchiveEntry entry(String name, byte type, FileInfo info) throws IOException {
        announce(TarConstants.LF_GNUTYPE_LONGNAME, name);
        TarArchiveEntry entry = new TarArchiveEntry(cut(name), type, true);
        entry.setMode(info.getMode());
        entry.setUserId(Integer.toUnsignedLong(info.getUid()));
        entry.setGroupId(Integer.toUnsignedLong(info.getGid()));
        entry.setLastModifiedTime(
                FileTime.from(Instant.ofEpochSecond(info.getModifyTime().getSeconds())));
        return entry;
    }

    /** A name that a header has no room for is told by an entry before it, as GNU tar does. */
    private void announce(byte type, String name) throws IOException {
        if (name.length() < TarConstants.NAMELEN) {
            return;
        }
        TarArchiveEntry entry = new TarArchiveEntry(TarConstants.GNU_LONGLINK, type);
        entry.setSize(name.length() + 1L);
        entry.setLastModifiedTime(FileTime.from(Instant.EPOCH));
        tar.putArchiveEntry(entry);
        tar.write((name + "\0").getBytes(StandardCharsets.ISO_8859_1));
        tar.closeArchiveEntry();
    }

    private static String cut(String name) {
        return name.substring(0, Math.min(TarConstants.NAMELEN - 1, name.length()));
    }

    private void put(TarArchiveEntry entry) throws IOException {
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private void begin(TarArchiveEntry entry, long size) throws IOException {
        entry.setSize(size);
        tar.putArchiveEntry(entry);
        left = size;
        endIfWhole();
    }

    /** Adds data of the file before. */
    void data(ByteString data) throws IOException {
        data.writeTo(tar);
        left -= data.size();
        endIfWhole();
    }

    private void endIfWhole() throws IOException {
        if (left == 0) {
            tar.closeArchiveEntry();
        }
    }

    void finish() throws IOException {
        tar.finish();
        // The library keeps that to itself.
        out.flush();
    }
}
