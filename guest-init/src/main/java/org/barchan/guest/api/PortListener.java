package org.barchan.guest.api;

import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** A TCP socket that listens at the sandbox's loopback, and an eventfd that wakes who waits for it. */
final class PortListener implements ListeningSocket {
    private final int fd;
    private final int event;
    /** Guarded by this. */
    private boolean closed;

    private PortListener(int fd, int event) {
        this.fd = fd;
        this.event = event;
    }

    /** @param port 0 for any that is free */
    static ListeningSocket open(int port) throws Errno {
        int event = Linux.eventfd();
        try {
            return new PortListener(Linux.listenTcp(port), event);
        } catch (Errno e) {
            Linux.close(event);
            throw e;
        }
    }

    @Override
    public int port() throws Errno {
        return Linux.localPort(fd);
    }

    @Override
    public Optional<StreamSocket> accept() throws Errno {
        int event = Linux.eventfd();
        boolean accepted = false;
        try {
            int connection = Linux.acceptTcp(fd);
            accepted = connection >= 0;
            return accepted ? Optional.of(new PortSocket(connection, event)) : Optional.empty();
        } finally {
            if (!accepted) {
                Linux.close(event);
            }
        }
    }

    @Override
    public void await(boolean connections, int millis) throws Errno {
        int happened = Linux.poll(connections ? fd : -1, Linux.POLLIN, event, Linux.POLLIN, millis);
        if (happened >> 16 != 0) {
            Linux.clearEvent(event);
        }
    }

    @Override
    public synchronized void wake() {
        if (!closed) {
            Linux.signalEvent(event);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        Linux.close(fd);
        Linux.close(event);
    }
}
