package org.barchan.host.lifecycle;

import java.time.Duration;

/** Time that only goes forward, at an even pace, whatever is done to the wall clock. Safe for use by many threads. */
public interface Timer {
    /** Returns nanoseconds since some moment that never changes. */
    long nanoTime();

    /** Runs a task after a while on a thread of its own, which may block. */
    Alarm after(Duration delay, Runnable task);

    /** A task that waits for its time. */
    @FunctionalInterface
    interface Alarm {
        /** Forgets the task if it has not begun. */
        void cancel();
    }
}
