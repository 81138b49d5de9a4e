package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.barchan.guest.v1.StdinData;
import org.barchan.guest.v1.StdinWindow;

/**
 * Standard input that the guest has not confirmed: kept, so that it can be sent again under a new epoch. Offsets count from the
 * first byte of the process's input. Not thread-safe.
 */
final class StdinBuffer {
    /** Most bytes kept, whatever window the guest offers. */
    static final int CAPACITY = 1 << 20;

    /** Most bytes in one message. */
    static final int MAX_CHUNK = 64 << 10;

    /** Pieces that wait are put together up to this size: each costs memory of its own, however small it is. */
    private static final int MIN_CHUNK = 4 << 10;

    private final Deque<StdinData> unconfirmed = new ArrayDeque<>();

    /** Confirmed by the guest; on the first window, also where this connection's input begins. */
    private long received = -1;

    private long accepted;
    private long sent;
    private long limit;
    private boolean closed;
    private boolean ended;
    private boolean endSent;

    /** Whether nobody reads any more. */
    boolean isClosed() {
        return closed;
    }

    /** Returns how many bytes the guest has; negative as long as it has not said so. */
    long received() {
        return received;
    }

    /** Returns the offset of what is added next. */
    long accepted() {
        return accepted;
    }

    /** Returns how many bytes may be added now. */
    int room() {
        return received < 0 ? 0 : (int) Math.max(0, Math.min(limit, received + CAPACITY) - accepted);
    }

    /** Adds at most {@link #room} and {@link #MAX_CHUNK} bytes. */
    void add(ByteString data) {
        StdinData last = unconfirmed.peekLast();
        if (last != null && last.getData().size() + data.size() <= MIN_CHUNK) {
            unconfirmed.removeLast();
            unconfirmed.add(
                    last.toBuilder().setData(last.getData().concat(data)).build());
        } else {
            unconfirmed.add(
                    StdinData.newBuilder().setOffset(accepted).setData(data).build());
        }
        accepted += data.size();
    }

    /** Notes that nothing will be added. */
    void end() {
        ended = true;
    }

    boolean isEnded() {
        return ended;
    }

    /**
     * Takes in what the guest says.
     *
     * @param first whether it begins an attachment: what is not confirmed is to be sent again
     * @return whether an honest guest could say so
     */
    boolean update(StdinWindow window, boolean first) {
        boolean begins = received < 0;
        if (begins) {
            accepted = window.getReceived();
            sent = accepted;
        }
        if (window.getReceived() < Math.max(0, received)
                || window.getReceived() > (first ? accepted : sent)
                || (!begins && window.getLimit() < limit)) {
            return false;
        }
        received = window.getReceived();
        limit = Math.max(limit, window.getLimit());
        closed |= window.getClosed();
        for (Iterator<StdinData> oldest = unconfirmed.iterator(); oldest.hasNext(); ) {
            StdinData data = oldest.next();
            if (!closed && data.getOffset() + data.getData().size() > received) {
                break;
            }
            oldest.remove();
        }
        if (first) {
            sent = received;
            endSent = false;
        }
        return true;
    }

    /** Whether {@link #next} has something to send. */
    boolean hasNext() {
        return !closed && sent < Math.min(accepted, limit);
    }

    /** Returns the next bytes to send. */
    StdinData next() {
        for (StdinData data : unconfirmed) {
            long start = data.getOffset();
            long end = start + data.getData().size();
            if (end > sent) {
                StdinData rest = sent == start && end <= limit
                        ? data
                        : StdinData.newBuilder()
                                .setOffset(sent)
                                .setData(data.getData()
                                        .substring((int) (sent - start), (int) (Math.min(end, limit) - start)))
                                .build();
                sent += rest.getData().size();
                return rest;
            }
        }
        throw new IllegalStateException("no standard input to send at offset " + sent);
    }

    /** Whether the end is to be sent now; true once for each attachment. */
    boolean takeEnd() {
        boolean now = ended && !endSent && !closed && sent == accepted;
        endSent |= now;
        return now;
    }
}
