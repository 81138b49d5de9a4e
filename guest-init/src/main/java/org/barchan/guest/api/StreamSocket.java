package org.barchan.guest.api;

import org.barchan.guest.syscall.Errno;

/** One end of a connection in the sandbox, non-blocking. Used by one thread; {@link #wake} by any. */
interface StreamSocket {
    /** Returns the number of bytes read, 0 at the end, or a negated errno. */
    int read(byte[] buffer, int size);

    /** Returns the number of bytes written, or a negated errno. */
    int write(byte[] bytes, int from, int size);

    /** Ends what is written. */
    void shutdownWrite();

    /**
     * Blocks until it can be read, if that is wanted, or written, if that is wanted, or it has been woken since the last time.
     *
     * @param millis how long at most; -1: for ever
     * @return whether that came about before time was up
     */
    boolean await(boolean read, boolean write, int millis) throws Errno;

    /** Has {@link #await} return. */
    void wake();

    /**
     * Closes it; it is not used any more, but may be woken.
     *
     * @param reset whether the other end is to see that the connection was broken off
     */
    void close(boolean reset);
}
