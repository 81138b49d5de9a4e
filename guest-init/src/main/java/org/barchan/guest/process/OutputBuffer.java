package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;

/**
 * What a process wrote to one stream and the agent has not acknowledged, by offset. Bounded: a full buffer holds its writer back.
 * Not safe for use by many threads: its process guards it.
 */
final class OutputBuffer {
    /** Bytes that are kept before the writer has to wait. */
    static final int CAPACITY = 256 * 1024;

    /** Most bytes of one message. */
    static final int MAX_CHUNK = 64 * 1024;

    private final ArrayDeque<ByteString> chunks = new ArrayDeque<>();
    private long start;
    private long end;
    private long sent;

    boolean hasRoom() {
        return size() < CAPACITY;
    }

    /** Returns the number of bytes that are kept. */
    long size() {
        return end - start;
    }

    void append(ByteString data) {
        chunks.add(data);
        end += data.size();
    }

    /** Returns the number of bytes that the process has written. */
    long end() {
        return end;
    }

    /** Returns the offset of what is to be sent next. */
    long sent() {
        return sent;
    }

    boolean hasUnsent() {
        return sent < end;
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

    /** Returns unsent bytes, at most {@link #MAX_CHUNK}, and counts them as sent. */
    ByteString take() {
        long at = start;
        for (ByteString chunk : chunks) {
            if (sent < at + chunk.size()) {
                int from = (int) (sent - at);
                ByteString data = chunk.substring(from, Math.min(chunk.size(), from + MAX_CHUNK));
                sent += data.size();
                return data;
            }
            at += chunk.size();
        }
        return ByteString.EMPTY;
    }

    /** Forgets what has arrived; an offset beyond what was sent counts as all that was sent. */
    void acknowledge(long offset) {
        long upTo = Math.min(offset, sent);
        while (!chunks.isEmpty() && start + chunks.getFirst().size() <= upTo) {
            start += chunks.removeFirst().size();
        }
    }
}
