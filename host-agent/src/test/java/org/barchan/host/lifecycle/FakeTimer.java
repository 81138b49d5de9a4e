package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Time that goes on when the test says so. */
public final class FakeTimer implements Timer {
    private final List<Pending> pending = new ArrayList<>();
    private long now;

    @Override
    public synchronized long nanoTime() {
        return now;
    }

    @Override
    public synchronized Alarm after(Duration delay, Runnable task) {
        Pending alarm = new Pending(now + delay.toNanos(), task);
        pending.add(alarm);
        notifyAll();
        return () -> cancel(alarm);
    }

    private synchronized void cancel(Pending alarm) {
        pending.remove(alarm);
    }

    /** Waits until an alarm is set for {@code delay} from now, which is how a test knows that the time is being waited for. */
    synchronized void awaitAlarmIn(Duration delay) throws InterruptedException {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (pending.stream().noneMatch(p -> p.due == now + delay.toNanos())) {
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new AssertionError("no alarm in " + delay);
            }
            wait(left);
        }
    }

    /** Lets time pass; what comes due runs on the calling thread. */
    void advance(Duration duration) {
        long end;
        synchronized (this) {
            end = now + duration.toNanos();
        }
        while (true) {
            Optional<Pending> next;
            synchronized (this) {
                next = pending.stream().filter(p -> p.due <= end).min(Comparator.comparingLong(p -> p.due));
                next.ifPresent(p -> {
                    pending.remove(p);
                    now = p.due;
                });
                if (next.isEmpty()) {
                    now = end;
                    return;
                }
            }
            next.get().task.run();
        }
    }

    private record Pending(long due, Runnable task) {}
}
