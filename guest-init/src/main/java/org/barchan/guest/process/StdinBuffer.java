package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** What the agent has sent for standard input and the process has not read. Not safe for use by many threads: its process guards it. */
final class StdinBuffer {
    /** Bytes that may be sent ahead of the process, where there is memory for that. */
    static final int LARGE_WINDOW = 256 * 1024;

    /** The same where memory is short. */
    static final int SMALL_WINDOW = 16 * 1024;

    /** Pieces are put together up to this size: each costs memory of its own, however small it is. */
    private static final int CHUNK = 4 * 1024;

    private final BufferMemory memory;
    private final int window;
    private final ArrayDeque<ByteString> chunks = new ArrayDeque<>();
    private long received;
    private long written;
    private boolean ended;
    private boolean closed;

    StdinBuffer(BufferMemory memory) {
        this.memory = memory;
        this.window = memory.reserve(LARGE_WINDOW) ? LARGE_WINDOW : SMALL_WINDOW;
    }

    /**
     * Takes in bytes.
     *
     * @throws IllegalArgumentException when there is a gap before them, or the window is exceeded
     */
    void receive(long offset, ByteString data) {
        if (offset > received || offset + data.size() > limit()) {
            throw new IllegalArgumentException("standard input at " + offset + "+" + data.size() + " (expected: at "
                    + received + ", not beyond " + limit() + ")");
        }
        int known = (int) Math.min(received - offset, data.size());
        if (!closed && known < data.size()) {
            append(data.substring(known));
        }
        received += data.size() - known;
        if (closed) {
            written = received;
        }
    }

    private void append(ByteString data) {
        ByteString last = chunks.peekLast();
        if (last != null && last.size() + data.size() <= CHUNK) {
            chunks.removeLast();
            chunks.add(last.concat(data));
        } else {
            chunks.add(data);
        }
    }

    void end() {
        ended = true;
    }

    /** Throws away what is there and what will come: nobody reads it. */
    void close() {
        closed = true;
        chunks.clear();
        written = received;
    }

    boolean isClosed() {
        return closed;
    }

    boolean isFinished() {
        return closed || (ended && chunks.isEmpty());
    }

    @Nullable ByteString poll() {
        return chunks.poll();
    }

    void countWritten(int bytes) {
        written = Math.min(received, written + bytes);
    }

    long received() {
        return received;
    }

    long limit() {
        return written + window;
    }

    /** Returns how many bytes may be sent ahead of the process. */
    int window() {
        return window;
    }

    /** Gives back the memory that it took; not to be used after that. */
    void release() {
        memory.release(window == LARGE_WINDOW ? LARGE_WINDOW : 0);
    }
}
