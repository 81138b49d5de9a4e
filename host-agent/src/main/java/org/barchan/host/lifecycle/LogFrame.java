package org.barchan.host.lifecycle;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** How an entry lies in a file that is appended to: its length and its CRC-32C, four bytes each, and the entry. One that was cut off is none. */
final class LogFrame {
    static final int HEADER = 8;
    static final int MAX_ENTRY = 1 << 20;

    private LogFrame() {}

    static byte[] of(byte[] entry) {
        return ByteBuffer.allocate(HEADER + entry.length)
                .putInt(entry.length)
                .putInt(checksum(entry))
                .put(entry)
                .array();
    }

    /**
     * Returns the entry at a place of a file; null where there is none.
     *
     * @param size how much of the file counts
     */
    static byte @Nullable [] read(RandomAccessFile file, long position, long size) throws IOException {
        if (position + HEADER > size) {
            return null;
        }
        file.seek(position);
        byte[] header = new byte[HEADER];
        file.readFully(header);
        ByteBuffer fields = ByteBuffer.wrap(header);
        int length = fields.getInt();
        int checksum = fields.getInt();
        if (length <= 0 || length > MAX_ENTRY || position + HEADER + length > size) {
            return null;
        }
        byte[] entry = new byte[length];
        file.readFully(entry);
        return checksum == checksum(entry) ? entry : null;
    }

    private static int checksum(byte[] bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        return (int) sum.getValue();
    }
}
