package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What a guest writes to its console. It is read always, so that the guest never waits for a reader; only the end is kept. Safe for use
 * by many threads.
 */
public interface Console extends AutoCloseable {
    /** Returns the last lines that were written, at most {@code lines}, with control characters escaped; empty if none. */
    String tail(int lines);

    /** Returns whether the guest's kernel has said that it panicked. */
    boolean panicked();

    /** Waits until the guest's end is closed, so that all that was written has been seen, but no longer than {@code patience}. */
    void drain(Duration patience) throws InterruptedException;

    /**
     * Hands over what is kept, then everything as it comes, raw and untrusted. The listener must not block.
     *
     * @param listener called by one thread at a time
     */
    void follow(Consumer<ByteString> listener);

    /** Reads no more. */
    @Override
    void close();
}
