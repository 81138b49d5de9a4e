package org.barchan.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;

/** Receives what is kept of a process, in the order in which it came. Times are the agent's. */
public interface LogListener {
    /** The process was started. */
    default void onStarted(Instant time) {}

    /**
     * It wrote bytes. The buffer is read-only and valid during the call only.
     *
     * @param offset number of bytes that it wrote to the stream before these
     * @throws IOException if they can't be taken: reading ends, and fails with this as its cause
     */
    void onOutput(Instant time, StandardStream stream, long offset, ByteBuffer bytes) throws IOException;

    /**
     * It wrote bytes that are not kept any more.
     *
     * @param offset number of bytes that it wrote to the stream before these
     */
    default void onGap(StandardStream stream, long offset, long bytes) {}

    /** It has ended. */
    default void onTerminated(Instant time, Termination termination) {}
}
