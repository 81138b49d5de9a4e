package org.barchan.client;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/** Keeps the beginning of a stream, up to a limit. Not thread-safe. */
public final class Capture {
    private final int limit;
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private long total;

    /** @param limit the most that is kept, in bytes */
    public Capture(int limit) {
        this.limit = limit;
    }

    /** Takes all remaining bytes. */
    public void append(ByteBuffer bytes) {
        total += bytes.remaining();
        byte[] part = new byte[Math.min(bytes.remaining(), limit - kept.size())];
        bytes.get(part);
        kept.write(part, 0, part.length);
        bytes.position(bytes.limit());
    }

    /** Returns what was kept. */
    public byte[] bytes() {
        return kept.toByteArray();
    }

    /** Returns the number of bytes that were taken in all. */
    public long total() {
        return total;
    }

    /** Tells whether bytes beyond the limit were dropped. */
    public boolean truncated() {
        return total > kept.size();
    }
}
