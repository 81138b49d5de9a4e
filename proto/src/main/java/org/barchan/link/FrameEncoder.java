package org.barchan.link;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes frames. Stateless, safe for use by many threads. */
public final class FrameEncoder {
    /** Size of a frame's header, in bytes. */
    public static final int HEADER_SIZE = 32;

    /** Most bytes of payload in one frame: a frame has at most 64 KiB, which is two writes to a virtio-serial port. */
    public static final int MAX_PAYLOAD = 65536 - HEADER_SIZE;

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
    static final int CHECKSUM_AT = 24;

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
        check(type, epoch, length, out);
        int start = out.position();
        out.position(start + HEADER_SIZE).put(payload);
        writeHeader(type, epoch, sequence, length, out, start);
        out.putLong(start + CHECKSUM_AT, checksum(out, start, length));
    }

    /**
     * Makes a frame of a payload that is in its place already.
     *
     * @param frame where the frame is to begin, {@link #HEADER_SIZE} bytes before its payload; big endian, with an array. Its position
     *     moves behind the frame.
     * @param length size of the payload, in bytes
     * @throws IllegalArgumentException as {@link #encode}
     */
    public static void seal(FrameType type, long epoch, int sequence, ByteBuffer frame, int length, Checksum checksum) {
        check(type, epoch, length, frame);
        int start = frame.position();
        frame.position(start + HEADER_SIZE + length);
        writeHeader(type, epoch, sequence, length, frame, start);
        int at = frame.arrayOffset() + start;
        long header = checksum.of(frame.array(), at, CHECKSUM_AT, 0);
        frame.putLong(start + CHECKSUM_AT, checksum.of(frame.array(), at + HEADER_SIZE, length, header));
    }

    private static void writeHeader(FrameType type, long epoch, int sequence, int length, ByteBuffer out, int start) {
        out.putInt(start, MAGIC)
                .put(start + TYPE_AT, type.code())
                .put(start + VERSION_AT, VERSION)
                .putShort(start + RESERVED_AT, (short) 0)
                .putInt(start + LENGTH_AT, length)
                .putInt(start + SEQUENCE_AT, sequence)
                .putLong(start + EPOCH_AT, epoch);
    }

    /** Returns the checksum of a frame; leaves the buffer as it was. */
    static long checksum(ByteBuffer buffer, int start, int length) {
        return XxHash64.of(buffer, start + HEADER_SIZE, length, XxHash64.of(buffer, start, CHECKSUM_AT, 0));
    }

    private static void check(FrameType type, long epoch, int length, ByteBuffer out) {
        check(
                length >= 0 && length <= MAX_PAYLOAD,
                "payload: %s bytes (expected: at most " + MAX_PAYLOAD + ")",
                length);
        check(length == 0 || !type.bare(), "payload of a frame without payload: %s bytes", length);
        check(out.remaining() >= HEADER_SIZE + length, "room for the frame: %s bytes too few", out.remaining());
        check(out.order() == ByteOrder.BIG_ENDIAN, "byte order: %s (expected: big endian)", out.order());
        check(epoch != 0, "epoch: %s (expected: not 0)", epoch);
    }

    private static void check(boolean holds, String message, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(message.formatted(value));
        }
    }
}
