package org.barchan.guest.process;

/**
 * What a process wrote to one stream and the agent has not acknowledged, by offset. Bounded: a full buffer holds its writer back.
 *
 * <p>A ring of bytes that is filled in place and sent from there, since each copy and each new array costs an emulated CPU dearly. It
 * grows from little, as most processes write little, while there is memory for that. Not safe for use by many threads: its process guards it; but its writer may fill the
 * {@linkplain #room room} that it was given while others use the rest.
 */
final class OutputBuffer {
    /** Bytes that are kept before the writer has to wait. */
    static final int CAPACITY = 1024 * 1024;

    private static final int INITIAL_SIZE = 8 * 1024;
    /** Room below which it is not worth reading: small pieces cost as much as large ones. */
    static final int LITTLE_ROOM = 4 * 1024;

    private final BufferMemory memory;
    private byte[] ring = new byte[INITIAL_SIZE];
    private long start;
    private long end;
    private long sent;
    private boolean tooSmall;
    private boolean starved;

    OutputBuffer(BufferMemory memory) {
        this.memory = memory;
    }

    /** Returns whether less than {@link #LITTLE_ROOM} more may be kept when {@code limit} bytes may be. */
    boolean isFull(int limit) {
        return limit - size() < LITTLE_ROOM;
    }

    /** Makes room for at least {@link #LITTLE_ROOM} more; returns false when memory is short, and it is starved. */
    boolean makeRoom() {
        starved = ring.length - size() < LITTLE_ROOM && !grow();
        return !starved;
    }

    /** Whether its writer waits though it may keep more: until something is acknowledged. */
    boolean isStarved() {
        return starved;
    }

    /** Returns the number of bytes that are kept. */
    long size() {
        return end - start;
    }

    /** Returns how much room there is at {@link #writeIndex} of the {@link #array}: at least one byte after {@link #makeRoom}. */
    int room() {
        if (tooSmall && ring.length < CAPACITY) {
            grow();
        }
        return contiguousRoom();
    }

    private int contiguousRoom() {
        return (int) Math.min(ring.length - size(), ring.length - writeIndex());
    }

    private boolean grow() {
        if (!memory.reserve(ring.length)) {
            return false;
        }
        byte[] larger = new byte[2 * ring.length];
        for (long at = start; at < end; ) {
            int length = (int) Math.min(end - at, ring.length - index(at, ring));
            // Neither ring is cut within these bytes: the larger one's size is a multiple of this one's.
            System.arraycopy(ring, index(at, ring), larger, index(at, larger), length);
            at += length;
        }
        ring = larger;
        return true;
    }

    private static int index(long offset, byte[] ring) {
        return (int) (offset & (ring.length - 1));
    }

    /** Returns the array to write to and to send from, until the next call of {@link #room}. */
    byte[] array() {
        return ring;
    }

    /** Returns where in the array to write. */
    int writeIndex() {
        return index(end, ring);
    }

    /** Counts bytes that were written into the room as part of the stream. */
    void commit(int bytes) {
        // What fills its room has probably more to come, and is better taken in larger pieces.
        tooSmall = bytes == contiguousRoom();
        end += bytes;
    }

    /** Returns the number of bytes that the process has written. */
    long end() {
        return end;
    }

    /** Returns the offset of what is to be sent next. */
    long sent() {
        return sent;
    }

    /** Whether there are bytes that were not sent. */
    boolean hasUnsent() {
        return sent < end;
    }

    /** Returns the number of bytes that may be sent now, in one piece from {@link #sendIndex} of the {@link #array}. */
    int sendable() {
        // The end of a process lets in more than is kept otherwise; the agent has room for no more than that.
        long limit = Math.min(end, start + CAPACITY);
        return (int) Math.min(limit - sent, ring.length - sendIndex());
    }

    /** Returns where in the array the bytes are that are to be sent next. They stay there until they are acknowledged. */
    int sendIndex() {
        return index(sent, ring);
    }

    /** Counts bytes as sent. */
    void countSent(int bytes) {
        sent += bytes;
    }

    /**
     * Goes back, or on, to an offset.
     *
     * @throws IllegalArgumentException when it is not between what was acknowledged and what was written
     */
    void seek(long offset) {
        if (offset < start || offset > end) {
            throw new IllegalArgumentException("offset: " + offset + " (expected: " + start + " to " + end + ")");
        }
        sent = offset;
    }

    /** Forgets what has arrived; an offset beyond what was sent counts as all that was sent. */
    void acknowledge(long offset) {
        start = Math.max(start, Math.min(offset, sent));
    }

    /** Forgets all that is kept: nobody will ask for it. */
    void discard() {
        start = end;
        sent = end;
    }

    /** Gives back the memory that it took; not to be used after that. */
    void release() {
        memory.release(ring.length - INITIAL_SIZE);
    }
}
