package org.barchan.it;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** What a program has written to a stream so far. Safe for use by many threads. */
final class Capture {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean ended;

    /** Captures a stream to its end. */
    static Capture of(InputStream stream) {
        Capture capture = new Capture();
        Thread.ofVirtual().start(() -> capture.drain(stream));
        return capture;
    }

    private void drain(InputStream stream) {
        byte[] buffer = new byte[64 * 1024];
        try (stream) {
            for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
                append(buffer, read);
            }
        } catch (IOException e) {
            // The stream of a killed program: what came before is all there is.
        } finally {
            append(buffer, -1);
        }
    }

    private void append(byte[] buffer, int count) {
        lock.lock();
        try {
            if (count < 0) {
                ended = true;
            } else {
                bytes.write(buffer, 0, count);
            }
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns true once {@code text} has been written, false when the stream ended or the deadline passed without it. */
    boolean awaitText(String text, Duration deadline) {
        return await(() -> text().contains(text), deadline);
    }

    /** Returns true once so many bytes have been written, false when the stream ended or the deadline passed before. */
    boolean awaitSize(int count, Duration deadline) {
        return await(() -> bytes.size() >= count, deadline);
    }

    int size() {
        lock.lock();
        try {
            return bytes.size();
        } finally {
            lock.unlock();
        }
    }

    /** Returns true once the stream has ended, false when the deadline passed before. */
    boolean awaitEnd(Duration deadline) {
        return await(() -> ended, deadline);
    }

    private boolean await(BooleanSupplier condition, Duration deadline) {
        lock.lock();
        try {
            long left = deadline.toNanos();
            while (!condition.getAsBoolean()) {
                if (ended || left <= 0) {
                    return false;
                }
                left = grown.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            lock.unlock();
        }
    }

    byte[] bytes() {
        lock.lock();
        try {
            return bytes.toByteArray();
        } finally {
            lock.unlock();
        }
    }

    String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }
}
