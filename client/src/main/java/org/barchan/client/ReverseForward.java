package org.barchan.client;

import java.net.SocketAddress;

/** A TCP port of a sandbox at which whoever connects there reaches what listens on this host. Thread-safe. */
public interface ReverseForward extends AutoCloseable {
    /** Returns the port of the sandbox's loopback, 127.0.0.1. */
    int port();

    /** Returns what is reached there. */
    SocketAddress target();

    /** Listens no more, and resets the connections that there are. */
    @Override
    void close();
}
