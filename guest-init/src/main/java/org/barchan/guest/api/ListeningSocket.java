package org.barchan.guest.api;

import java.util.Optional;
import org.barchan.guest.syscall.Errno;

/** A socket that is listened at, as {@link PortListeners} sees it: one thread waits for it, any thread may wake that. */
interface ListeningSocket {
    int port() throws Errno;

    /**
     * Returns who has connected next; empty if nobody waits.
     *
     * @throws Errno when there is no descriptor or memory for it
     */
    Optional<StreamSocket> accept() throws Errno;

    /**
     * Blocks until somebody has connected, if that is wanted, or it has been woken since the last time.
     *
     * @param millis how long at most; -1: for ever
     */
    void await(boolean connections, int millis) throws Errno;

    /** Has {@link #await} return. */
    void wake();

    void close();
}
