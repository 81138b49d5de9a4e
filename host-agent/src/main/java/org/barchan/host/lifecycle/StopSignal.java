package org.barchan.host.lifecycle;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells one thread, from any other, to stop what it does. The thread is interrupted only between {@link #arm} and {@link #disarm}, so
 * that cleaning up is never disturbed.
 */
final class StopSignal {
    private final Set<StopReason> reasons = EnumSet.noneOf(StopReason.class);
    private @Nullable Thread armed;

    /** Lets the calling thread be interrupted from now on. */
    synchronized void arm() throws InterruptedException {
        check();
        armed = Thread.currentThread();
    }

    /** The calling thread is interrupted no more. */
    synchronized void disarm() {
        armed = null;
        Thread.interrupted();
    }

    /** Throws if there is a reason to stop: between steps that can't be interrupted. */
    synchronized void check() throws InterruptedException {
        if (!reasons.isEmpty()) {
            throw new InterruptedException("stop: " + reasons);
        }
    }

    synchronized void stop(StopReason reason) {
        if (reasons.add(reason) && armed != null) {
            armed.interrupt();
        }
    }

    /** Forgets a reason that has been dealt with; the thread must be disarmed. */
    synchronized void forget(StopReason reason) {
        reasons.remove(reason);
    }

    /** Returns the reason that counts; empty while there is none. */
    synchronized Optional<StopReason> reason() {
        return reasons.stream().findFirst();
    }
}
