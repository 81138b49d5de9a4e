package org.barchan.link;

import java.nio.ByteBuffer;

/**
 * Zeros that the host sends before its SYN. A guest that still holds the start of a frame of an earlier connection, and waits for
 * the rest of it, gets its fill: the frame turns out wrong, and the SYN behind it is found.
 */
public final class Padding {
    /** Number of bytes: as many as the longest frame has. */
    public static final int SIZE = FrameEncoder.HEADER_SIZE + FrameEncoder.MAX_PAYLOAD;

    private Padding() {}

    /**
     * Writes {@link #SIZE} bytes.
     *
     * @throws java.nio.BufferOverflowException when {@code out} has no room for them
     */
    public static void put(ByteBuffer out) {
        out.put(new byte[SIZE]);
    }
}
