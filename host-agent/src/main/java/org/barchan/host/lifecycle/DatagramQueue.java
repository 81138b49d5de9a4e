package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The datagrams of a flow that wait to be passed on. What there is no room for is lost. Thread-safe. */
final class DatagramQueue {
    /** The longest datagram has room, if it is alone. */
    static final int MAX_BYTES = 64 * 1024;

    /** Empty ones take memory, too. */
    static final int MAX_DATAGRAMS = 64;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    // Guarded by the lock.
    private final Deque<ByteString> datagrams = new ArrayDeque<>();
    private int bytes;

    void offer(ByteString datagram) {
        lock.lock();
        try {
            if (datagrams.size() < MAX_DATAGRAMS && bytes + datagram.size() <= MAX_BYTES) {
                datagrams.add(datagram);
                bytes += datagram.size();
                news.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns the next one; empty if none comes in time. */
    Optional<ByteString> poll(long nanos) throws InterruptedException {
        lock.lock();
        try {
            for (long left = nanos; datagrams.isEmpty(); left = news.awaitNanos(left)) {
                if (left <= 0) {
                    return Optional.empty();
                }
            }
            ByteString datagram = datagrams.remove();
            bytes -= datagram.size();
            return Optional.of(datagram);
        } finally {
            lock.unlock();
        }
    }
}
