package org.barchan.client;

import java.net.SocketAddress;

/** An address of this host at which whoever connects reaches what listens in a sandbox. Thread-safe. */
public interface PortForward extends AutoCloseable {
    /** Returns where it listens. */
    SocketAddress local();

    /** Returns what is reached there. */
    PortTarget target();

    /** Listens no more, and resets the connections that there are. */
    @Override
    void close();
}
