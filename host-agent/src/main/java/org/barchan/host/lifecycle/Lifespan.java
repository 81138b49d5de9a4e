package org.barchan.host.lifecycle;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends a sandbox in order when it has lived long enough, or was not in use for long enough. Safe for use by many threads. */
final class Lifespan {
    private static final Logger LOG = LoggerFactory.getLogger(Lifespan.class);

    private final Sandbox sandbox;
    private final Lifetime limits;
    private final Timer timer;
    private int users;
    private boolean closed;
    private Optional<LiveGuest> live = Optional.empty();
    private Optional<Timer.Alarm> lifetime = Optional.empty();
    private Optional<Timer.Alarm> idle = Optional.empty();
    private boolean over;
    private Optional<TimeLimit> ending = Optional.empty();

    Lifespan(Sandbox sandbox, Lifetime limits, Timer timer) {
        this.sandbox = sandbox;
        this.limits = limits;
        this.timer = timer;
    }

    /** Somebody uses the sandbox, until this is closed; closing it once more does nothing. */
    interface Use extends AutoCloseable {
        @Override
        void close();
    }

    Lifetime limits() {
        return limits;
    }

    /** Its process runs: from now on it can be ended. */
    synchronized void begin(LiveGuest guest) {
        live = Optional.of(guest);
        lifetime = limits.most().map(most -> timer.after(left(most), () -> end(StopReason.LIFETIME_OVER)));
        awaitUse();
    }

    /** Of a sandbox that was taken over, the time before is known by the host's clock alone. */
    private Duration left(Duration most) {
        Duration left = most.minus(Duration.between(sandbox.createTime(), Instant.now()));
        return left.isNegative() ? Duration.ZERO : left;
    }

    synchronized Use use() {
        users++;
        idle.ifPresent(Timer.Alarm::cancel);
        idle = Optional.empty();
        AtomicBoolean used = new AtomicBoolean();
        return () -> {
            if (used.compareAndSet(false, true)) {
                leave();
            }
        };
    }

    private synchronized void leave() {
        users--;
        awaitUse();
    }

    private synchronized void awaitUse() {
        if (users == 0 && live.isPresent() && !closed) {
            idle = limits.idle().map(time -> timer.after(time, () -> end(StopReason.IDLE)));
        }
    }

    private synchronized Optional<LiveGuest> beginEnd(StopReason reason) {
        boolean usedAgain = reason == StopReason.IDLE && users > 0;
        if (closed || usedAgain || over) {
            return Optional.empty();
        }
        over = true;
        return live;
    }

    private void end(StopReason reason) {
        Optional<LiveGuest> guest = beginEnd(reason);
        if (guest.isEmpty()) {
            return;
        }
        LOG.info("{}: {}: ending it", sandbox.id(), reason);
        try {
            if (sandbox.isPaused()) {
                sandbox.resume();
            }
        } catch (SandboxException e) {
            LOG.warn("{}: resuming it to end it: {}", sandbox.id(), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // Its end is not to wait for a reader of its output.
        sandbox.record().ifPresent(record -> record.own().unlimit());
        synchronized (this) {
            if (!closed) {
                ending = Optional.of(new TimeLimit(
                        timer,
                        Duration.ZERO,
                        sandbox.id(),
                        guest.get().guest(),
                        Run.PROCESS_ID,
                        reason == StopReason.IDLE
                                ? TerminationCause.TERMINATION_CAUSE_IDLE
                                : TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME,
                        () -> sandbox.signal().stop(reason)));
            }
        }
    }

    /** It ends, or the agent lets go of it. */
    synchronized void close() {
        closed = true;
        lifetime.ifPresent(Timer.Alarm::cancel);
        idle.ifPresent(Timer.Alarm::cancel);
        ending.ifPresent(TimeLimit::close);
    }
}
