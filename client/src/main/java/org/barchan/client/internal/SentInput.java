package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Standard input that was sent and that the sandbox is not known to have: kept, so that it can be sent again to another agent. Offsets count
 * from the first byte that anybody ever sent to the process. Not thread-safe.
 */
final class SentInput {
    private final Deque<ByteString> kept = new ArrayDeque<>();
    /** Where what is kept begins. */
    private long begin;
    /** Where what is sent next goes. */
    private long end;

    private boolean closed;

    /** The agent has taken so much, of which the sandbox has a part: what is sent next comes behind it. Returns what is to be sent again. */
    List<ByteString> attached(long taken, long received) {
        drop(received);
        if (taken < begin || taken > end) {
            // Others have written, or what is missing is gone with whoever wrote it before.
            kept.clear();
            begin = taken;
            end = taken;
            return List.of();
        }
        ArrayDeque<ByteString> again = new ArrayDeque<>();
        long offset = begin;
        for (ByteString piece : kept) {
            long next = offset + piece.size();
            if (next > taken) {
                again.add(piece.substring((int) Math.max(0, taken - offset)));
            }
            offset = next;
        }
        return List.copyOf(again);
    }

    /** These bytes are sent. */
    void add(ByteString bytes) {
        if (!closed) {
            kept.add(bytes);
            end += bytes.size();
        }
    }

    /** Returns how many bytes are kept. */
    long size() {
        return closed ? 0 : end - begin;
    }

    /** Nobody takes any more: nothing is kept from now on. */
    void close() {
        closed = true;
        kept.clear();
    }

    boolean isClosed() {
        return closed;
    }

    /** The sandbox has so much. */
    void drop(long received) {
        while (!kept.isEmpty() && begin + kept.getFirst().size() <= received) {
            begin += kept.removeFirst().size();
        }
        if (!kept.isEmpty() && begin < received) {
            kept.addFirst(kept.removeFirst().substring((int) (received - begin)));
            begin = received;
        }
        if (kept.isEmpty()) {
            begin = end;
        }
    }
}
