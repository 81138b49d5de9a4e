package org.barchan.host.lifecycle;

import java.time.Duration;
import org.barchan.host.port.Guest;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends a process whose time is up: SIGTERM, after a grace SIGKILL, after another grace what is the last resort. */
final class TimeLimit implements AutoCloseable {
    static final Duration GRACE = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(TimeLimit.class);
    private static final int SIGKILL = 9;
    private static final int SIGTERM = 15;

    private final Timer timer;
    private final SandboxId owner;
    private final Guest guest;
    private final String processId;
    private final TerminationCause cause;
    private final Runnable lastResort;
    private Timer.Alarm alarm;
    private boolean closed;

    /**
     * Counts from now on.
     *
     * @param cause what the guest is to say that it ended of
     */
    TimeLimit(
            Timer timer,
            Duration limit,
            SandboxId owner,
            Guest guest,
            String processId,
            TerminationCause cause,
            Runnable lastResort) {
        this.timer = timer;
        this.owner = owner;
        this.lastResort = lastResort;
        this.guest = guest;
        this.processId = processId;
        this.cause = cause;
        this.alarm = timer.after(limit, this::terminate);
    }

    private void terminate() {
        if (next(this::kill)) {
            send(SIGTERM);
        }
    }

    private void kill() {
        if (next(lastResort)) {
            send(SIGKILL);
        }
    }

    /** Sets the next alarm before the signal goes out: a guest that does not answer must not hold it up. */
    private synchronized boolean next(Runnable step) {
        if (!closed) {
            alarm = timer.after(GRACE, step);
        }
        return !closed;
    }

    private void send(int signal) {
        try {
            LOG.info("{}: time is up: signal {}", owner, signal);
            guest.signal(processId, signal, cause);
        } catch (SandboxException | InterruptedException e) {
            LOG.warn("{}: sending signal {} when the time was up: {}", owner, signal, e.getMessage());
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        alarm.cancel();
    }
}
