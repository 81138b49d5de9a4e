package org.barchan.link;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Writes frames. Stateless, safe for use by many threads. */
public final class FrameEncoder {
    /** Size of a frame's header, in bytes. */
    public static final int HEADER_SIZE = 28;

    /** Most bytes of payload in one frame. */
    public static final int MAX_PAYLOAD = 65536;

    /**
     * Never the start of text (no UTF-8 has a byte 0xFD) or of an HTTP/2 frame (none is longer than 0xFDB4C4 bytes). No byte of it
     * occurs twice, so that a scan that fails inside of it goes on behind.
     */
    static final int MAGIC = 0xFDB4C4A7;

    static final byte VERSION = 1;

    static final int TYPE_AT = 4;
    static final int VERSION_AT = 5;
    static final int RESERVED_AT = 6;
    static final int LENGTH_AT = 8;
    static final int SEQUENCE_AT = 12;
    static final int EPOCH_AT = 16;
    static final int CRC_AT = 24;

    private FrameEncoder() {}

    /**
     * Writes one frame.
     *
     * @param payload what it carries, read to its end
     * @param out where it goes, big endian
     * @throws IllegalArgumentException when {@code out} has no room for header and payload, the payload is longer than
     *     {@link #MAX_PAYLOAD} or not allowed for the type, or the epoch is 0
     */
    public static void encode(FrameType type, long epoch, int sequence, ByteBuffer payload, ByteBuffer out) {
        int length = payload.remaining();
        check(length <= MAX_PAYLOAD, "payload: %s bytes (expected: at most " + MAX_PAYLOAD + ")", length);
        check(length == 0 || !type.bare(), "payload of a frame without payload: %s bytes", length);
        check(out.remaining() >= HEADER_SIZE + length, "room for the frame: %s bytes too few", out.remaining());
        check(out.order() == ByteOrder.BIG_ENDIAN, "byte order: %s (expected: big endian)", out.order());
        check(epoch != 0, "epoch: %s (expected: not 0)", epoch);
        int start = out.position();
        out.putInt(MAGIC)
                .put(type.code())
                .put(VERSION)
                .putShort((short) 0)
                .putInt(length)
                .putInt(sequence)
                .putLong(epoch)
                .putInt(0)
                .put(payload);
        out.putInt(start + CRC_AT, crc(out, start, length));
    }

    /** Returns the checksum of a frame; leaves the buffer as it was. */
    static int crc(ByteBuffer buffer, int start, int length) {
        int position = buffer.position();
        int limit = buffer.limit();
        CRC32C crc = new CRC32C();
        // Not ByteBuffer.limit(position): that would fail where the new limit lies before the position.
        buffer.limit(start + HEADER_SIZE + length).position(start).limit(start + CRC_AT);
        crc.update(buffer);
        buffer.limit(start + HEADER_SIZE + length).position(start + HEADER_SIZE);
        crc.update(buffer);
        buffer.limit(limit).position(position);
        return (int) crc.getValue();
    }

    private static void check(boolean holds, String message, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(message.formatted(value));
        }
    }
}
