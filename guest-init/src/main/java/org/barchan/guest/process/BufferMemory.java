package org.barchan.guest.process;

/**
 * What the buffers of all processes may hold beyond the little that each has in any case: however many processes write at once, the
 * init's own memory suffices. Safe for use by many threads.
 */
final class BufferMemory {
    private final long limit;
    private long reserved;

    /** @param limit in bytes */
    BufferMemory(long limit) {
        this.limit = limit;
    }

    /** Takes some, if there is so much. */
    synchronized boolean reserve(long bytes) {
        boolean there = reserved + bytes <= limit;
        reserved += there ? bytes : 0;
        return there;
    }

    synchronized void release(long bytes) {
        reserved -= bytes;
    }
}
