package org.barchan.guest.api;

import java.io.ByteArrayOutputStream;
import org.barchan.guest.syscall.Errno;

/** A socket whose other end is the test. */
final class FakeSocket implements StreamSocket {
    /** Takes nothing. */
    volatile boolean full;

    volatile boolean writeEnded;

    /** Nothing comes in time, where that is limited. */
    volatile boolean late;

    volatile int patience;

    // Guarded by this.
    private byte[] arrived = new byte[0];
    private boolean ended;
    private int failure;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private boolean woken;
    private boolean closed;
    private boolean reset;

    synchronized void arrive(byte[] bytes) {
        byte[] all = java.util.Arrays.copyOf(arrived, arrived.length + bytes.length);
        System.arraycopy(bytes, 0, all, arrived.length, bytes.length);
        arrived = all;
        notifyAll();
    }

    synchronized void arriveEnd() {
        ended = true;
        notifyAll();
    }

    synchronized void fail(int errno) {
        failure = errno;
        notifyAll();
    }

    /** Returns what was written, once it is so much. */
    synchronized byte[] awaitWritten(int size) throws InterruptedException {
        while (written.size() < size) {
            wait();
        }
        return written.toByteArray();
    }

    synchronized void awaitWriteEnded() throws InterruptedException {
        while (!writeEnded) {
            wait();
        }
    }

    /** Returns whether it was reset, once it is closed. */
    synchronized boolean awaitClosed() throws InterruptedException {
        while (!closed) {
            wait();
        }
        return reset;
    }

    @Override
    public synchronized int read(byte[] buffer, int size) {
        if (failure != 0) {
            return -failure;
        }
        if (arrived.length == 0) {
            return ended ? 0 : -Errno.EAGAIN;
        }
        int n = Math.min(size, arrived.length);
        System.arraycopy(arrived, 0, buffer, 0, n);
        arrived = java.util.Arrays.copyOfRange(arrived, n, arrived.length);
        return n;
    }

    @Override
    public synchronized int write(byte[] bytes, int from, int size) {
        if (full) {
            return -Errno.EAGAIN;
        }
        // Not all at once, as a socket.
        int n = Math.min(size, 10_000);
        written.write(bytes, from, n);
        notifyAll();
        return n;
    }

    @Override
    public synchronized void shutdownWrite() {
        writeEnded = true;
        notifyAll();
    }

    @Override
    public synchronized boolean await(boolean read, boolean write, int millis) {
        patience = millis;
        notifyAll();
        try {
            if (late && millis >= 0) {
                return false;
            }
            while (!(woken || (read && (failure != 0 || ended || arrived.length > 0)) || (write && !full))) {
                wait();
            }
            woken = false;
            return true;
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
    public synchronized void close(boolean withReset) {
        closed = true;
        reset = withReset;
        notifyAll();
    }
}
