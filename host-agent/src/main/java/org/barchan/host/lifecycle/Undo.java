package org.barchan.host.lifecycle;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has been acquired for a sandbox, each with its undo. Closing undoes it all, the newest first, whatever fails. */
final class Undo implements AutoCloseable {
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
        run(new Step(what, action));
    }

    @Override
    public void close() {
        Deque<Step> due;
        synchronized (this) {
            closed = true;
            due = new ArrayDeque<>(steps);
            steps.clear();
        }
        due.forEach(this::run);
    }

    private void run(Step step) {
        try {
            step.action().run();
        } catch (Exception e) {
            LOG.error("{}: could not {}", owner, step.what(), e);
        }
    }

    /** Undoes one acquisition. */
    @FunctionalInterface
    interface Action {
        void run() throws Exception;
    }

    private record Step(String what, Action action) {}
}
