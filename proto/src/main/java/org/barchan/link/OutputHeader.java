package org.barchan.link;

import java.nio.ByteBuffer;

/**
 * What precedes the bytes in the payload of an {@link FrameType#OUTPUT OUTPUT} frame: 4 bytes channel, 4 bytes stream, 8 bytes offset,
 * big endian.
 *
 * @param channel {@code Attach.output_channel} of the call that the output belongs to
 * @param stream the number of a {@code barchan.v1.OutputStream}
 * @param offset number of bytes of the stream before these
 */
public record OutputHeader(int channel, int stream, long offset) {
    /** Size of the header, in bytes. */
    public static final int SIZE = 16;

    /** Most bytes of output in one frame. */
    public static final int MAX_DATA = FrameEncoder.MAX_PAYLOAD - SIZE;

    /**
     * Reads the header of a payload, which is left at its data.
     *
     * @throws LinkException when there is no data behind a header
     */
    public static OutputHeader read(ByteBuffer payload) throws LinkException {
        if (payload.remaining() <= SIZE) {
            throw new LinkException(
                    "a frame of output has " + payload.remaining() + " bytes (expected: more than " + SIZE + ")");
        }
        return new OutputHeader(payload.getInt(), payload.getInt(), payload.getLong());
    }

    /** Writes the header. */
    public void write(ByteBuffer out) {
        out.putInt(channel).putInt(stream).putLong(offset);
    }
}
