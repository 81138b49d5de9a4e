package org.barchan.link;

import static org.barchan.link.FrameEncoder.HEADER_SIZE;
import static org.barchan.link.FrameEncoder.MAX_PAYLOAD;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Finds frames in a stream of bytes. What is no frame is skipped byte by byte up to the next that is one, so that a truncated frame
 * followed by a SYN yields the SYN.
 *
 * <p>The outcome depends on the bytes alone, not on how they arrive. Work is linear in their number, whatever they are: a checksum
 * that fails is paid for by the bytes that went by, and when those do not suffice, only frames without payload (the SYN among them)
 * are still looked for.
 *
 * <p>Keeps no bytes itself. Not safe for use by many threads.
 */
public final class FrameDecoder {
    /** Bytes of failed checksums allowed for each byte that goes by. */
    private static final int CREDIT_PER_BYTE = 4;

    private static final int MAX_CREDIT = 2 * MAX_PAYLOAD;

    private int credit = MAX_CREDIT;
    private long discarded;

    /**
     * Returns the next frame, or null when it needs more bytes.
     *
     * @param in bytes to read, big endian. Its position moves behind the frame, or to what must be there at the next call, followed
     *     by more: at most {@link FrameEncoder#HEADER_SIZE} + {@link FrameEncoder#MAX_PAYLOAD} bytes. A buffer of that size always
     *     makes progress when it is compacted.
     * @return a frame whose payload is a view of {@code in}
     */
    public @Nullable Frame decode(ByteBuffer in) {
        if (in.order() != ByteOrder.BIG_ENDIAN) {
            throw new IllegalArgumentException("byte order: " + in.order() + " (expected: big endian)");
        }
        while (true) {
            int at = indexOfMagic(in);
            discard(in, at - in.position());
            if (in.remaining() < HEADER_SIZE) {
                return null;
            }
            FrameType type = typeOfLegalHeader(in, at);
            int length = in.getInt(at + FrameEncoder.LENGTH_AT);
            if (type == null || length > credit) {
                discard(in, 1);
                continue;
            }
            if (in.remaining() < HEADER_SIZE + length) {
                return null;
            }
            if (FrameEncoder.checksum(in, at, length) != in.getLong(at + FrameEncoder.CHECKSUM_AT)) {
                credit -= length;
                discard(in, 1);
                continue;
            }
            Frame frame = new Frame(
                    type,
                    in.getLong(at + FrameEncoder.EPOCH_AT),
                    in.getInt(at + FrameEncoder.SEQUENCE_AT),
                    in.slice(at + HEADER_SIZE, length));
            goBy(in, HEADER_SIZE + length);
            return frame;
        }
    }

    /** Returns how many bytes were skipped. When it grows inside an epoch, that epoch is dead. */
    public long discardedBytes() {
        return discarded;
    }

    /** Returns where the magic starts, whole or cut off by the end of the buffer, or the end of the buffer. */
    private static int indexOfMagic(ByteBuffer in) {
        int limit = in.limit();
        int at = in.position();
        while (at < limit) {
            // Padding is zeros: skipped in larger steps, for slow machines.
            if (limit - at >= Long.BYTES && in.getLong(at) == 0) {
                at += Long.BYTES;
            } else if (isMagic(in, at, limit)) {
                return at;
            } else {
                at++;
            }
        }
        return limit;
    }

    private static boolean isMagic(ByteBuffer in, int at, int limit) {
        if (in.get(at) != (byte) (FrameEncoder.MAGIC >>> 24)) {
            return false;
        }
        if (limit - at >= Integer.BYTES) {
            return in.getInt(at) == FrameEncoder.MAGIC;
        }
        for (int i = 1; i < limit - at; i++) {
            if (in.get(at + i) != (byte) (FrameEncoder.MAGIC >>> (24 - 8 * i))) {
                return false;
            }
        }
        return true;
    }

    private static @Nullable FrameType typeOfLegalHeader(ByteBuffer in, int at) {
        FrameType type = FrameType.ofCode(in.get(at + FrameEncoder.TYPE_AT));
        int length = in.getInt(at + FrameEncoder.LENGTH_AT);
        boolean legal = type != null
                && in.get(at + FrameEncoder.VERSION_AT) == FrameEncoder.VERSION
                && in.getShort(at + FrameEncoder.RESERVED_AT) == 0
                && length >= 0
                && length <= (type.bare() ? 0 : MAX_PAYLOAD)
                && in.getLong(at + FrameEncoder.EPOCH_AT) != 0;
        return legal ? type : null;
    }

    private void discard(ByteBuffer in, int bytes) {
        discarded += bytes;
        goBy(in, bytes);
    }

    private void goBy(ByteBuffer in, int bytes) {
        in.position(in.position() + bytes);
        credit = (int) Math.min(MAX_CREDIT, credit + (long) CREDIT_PER_BYTE * bytes);
    }
}
