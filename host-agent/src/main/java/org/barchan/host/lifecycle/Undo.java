package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has been acquired for a sandbox, each with its undo. */
final class Undo {
    /** How long to wait before what could not be undone is tried again. */
    static final Duration PAUSE = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Undo.class);

    private final String owner;
    private final Deque<Step> steps = new ArrayDeque<>();
    private boolean closed;

    Undo(String owner) {
        this.owner = owner;
    }

    /** Adds what undoes an acquisition that has just succeeded; runs it at once if all is being undone already. */
    void push(String what, Action action) {
        synchronized (this) {
            if (!closed) {
                steps.push(new Step(what, action));
                return;
            }
        }
        var _ = run(new Step(what, action));
    }

    /** Takes over what another is to undo, which does so no more. */
    void takeOver(Undo other) {
        List<Step> taken;
        synchronized (other) {
            taken = List.copyOf(other.steps).reversed();
            other.steps.clear();
        }
        taken.forEach(step -> push(step.what(), step.action()));
    }

    /**
     * Undoes it all, the newest first, whatever fails. What fails with a {@link SandboxException} is still there: it is tried again
     * after a pause, for ever, and what is older stays as long.
     *
     * @param gone runs when nothing is left, before this returns or on the timer's thread
     */
    void close(Timer timer, Runnable gone) {
        while (true) {
            Step step;
            synchronized (this) {
                closed = true;
                step = steps.poll();
            }
            if (step == null) {
                gone.run();
                return;
            }
            if (!run(step)) {
                synchronized (this) {
                    steps.push(step);
                }
                var _ = timer.after(PAUSE, () -> close(timer, gone));
                return;
            }
        }
    }

    /** Returns whether it is not to be tried again. */
    private boolean run(Step step) {
        try {
            step.action().run();
        } catch (SandboxException e) {
            LOG.error(
                    "{}: could not {}; trying again in {} s: {}",
                    owner,
                    step.what(),
                    PAUSE.toSeconds(),
                    Printable.lines(String.valueOf(e.getMessage())));
            return false;
        } catch (Exception e) {
            LOG.error("{}: could not {}", owner, step.what(), e);
        }
        return true;
    }

    /** Undoes one acquisition. */
    @FunctionalInterface
    interface Action {
        void run() throws Exception;
    }

    private record Step(String what, Action action) {}
}
