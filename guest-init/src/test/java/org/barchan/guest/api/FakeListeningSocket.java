package org.barchan.guest.api;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.barchan.guest.syscall.Errno;

/** Whoever connects is the test. */
final class FakeListeningSocket implements ListeningSocket {
    // Guarded by this.
    private final Deque<StreamSocket> connected = new ArrayDeque<>();
    private boolean failing;
    private boolean woken;
    private boolean closed;

    synchronized void connect(StreamSocket socket) {
        connected.add(socket);
        notifyAll();
    }

    /** Has no descriptor for the next one, once. */
    synchronized void fail() {
        failing = true;
    }

    synchronized void awaitFailed() throws InterruptedException {
        while (failing) {
            wait();
        }
    }

    /** Returns how many nobody has accepted. */
    synchronized int left() {
        return connected.size();
    }

    synchronized void awaitClosed() throws InterruptedException {
        while (!closed) {
            wait();
        }
    }

    @Override
    public int port() {
        return 4000;
    }

    @Override
    public synchronized Optional<StreamSocket> accept() throws Errno {
        if (failing) {
            failing = false;
            notifyAll();
            throw new Errno("accept a connection", Errno.EMFILE);
        }
        return Optional.ofNullable(connected.poll());
    }

    /** Time is up when the test wakes it. */
    @Override
    public synchronized void await(boolean connections, int millis) {
        try {
            while (!(woken || (connections && !connected.isEmpty()))) {
                wait();
            }
            woken = false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public synchronized void wake() {
        woken = true;
        notifyAll();
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
