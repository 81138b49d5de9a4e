package org.barchan.link;

import java.nio.ByteBuffer;

/**
 * Looks for the guest's answer to a SYN among stale bytes. The host knows each byte of it beforehand, so no framing is needed, and
 * no stale bytes, a truncated frame among them, can hide it. Not safe for use by many threads.
 */
public final class SynAckScanner {
    private final byte[] wanted;
    /** Knuth, Morris, Pratt: how much of {@code wanted} still matches when the byte behind a match of i + 1 bytes does not. */
    private final int[] fallback;

    private int matched;
    private long scanned;

    /**
     * Looks for the answer to the SYN of an epoch.
     *
     * @throws IllegalArgumentException when the epoch is 0
     */
    public SynAckScanner(long epoch) {
        ByteBuffer frame = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE);
        FrameEncoder.encode(FrameType.SYN_ACK, epoch, 0, ByteBuffer.allocate(0), frame);
        this.wanted = frame.array();
        this.fallback = new int[wanted.length];
        int length = 0;
        for (int i = 1; i < wanted.length; i++) {
            while (length > 0 && wanted[i] != wanted[length]) {
                length = fallback[length - 1];
            }
            if (wanted[i] == wanted[length]) {
                length++;
            }
            fallback[i] = length;
        }
    }

    /**
     * Reads up to the end of the SYN_ACK.
     *
     * @param in bytes that follow those of the call before; read to the end, or up to the end of the SYN_ACK
     * @return true when the SYN_ACK ended at {@code in}'s position; not to be called again after that
     */
    public boolean scan(ByteBuffer in) {
        while (in.hasRemaining()) {
            byte next = in.get();
            scanned++;
            while (matched > 0 && next != wanted[matched]) {
                matched = fallback[matched - 1];
            }
            if (next == wanted[matched]) {
                matched++;
            }
            if (matched == wanted.length) {
                return true;
            }
        }
        return false;
    }

    /** Returns how many bytes were read so far. */
    public long scannedBytes() {
        return scanned;
    }
}
