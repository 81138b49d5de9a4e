package org.barchan.host.adapter.link;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Sees what becomes of connections to a guest's socket. Called by event loops; must not block. */
interface LinkObserver {
    /** Nobody accepts connections there. */
    void unreachable(String reason);

    /** The guest has agreed to an epoch. */
    void up();

    /** Bytes were lost or wrong: the connection is being closed, and the next one may do better. */
    void failed(String reason);

    /** The guest did what no honest one does: the connection is being closed, and who waits for it need not go on. */
    void attacked(String reason);

    /**
     * A process has written something.
     *
     * @param payload an {@link org.barchan.link.OutputHeader} and bytes, which hold during the call
     * @return false when nobody asked for it, or does so no more
     * @throws IOException when no honest guest sends such a frame
     */
    boolean output(ByteBuffer payload) throws IOException;

    /** Whether a connection that is closed from here stays open until the guest has ended the epoch, too. */
    boolean awaitsGuestsEnd();

    /** The guest has ended the epoch that was ended here, and waits for the next. */
    void left();

    /** A connection has ended. */
    void down();
}
