package org.barchan.cli;

import java.util.Optional;
import java.util.function.IntPredicate;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Run;
import org.barchan.client.Sandbox;
import org.jspecify.annotations.Nullable;

/**
 * What signals do to a run. While the sandbox starts, the first ends it. Once the command runs they go to the command, and a second
 * SIGINT deletes the sandbox; or, of a command that was joined, leaves it to itself. One more signal after that ends this process at once, whatever the agent does. Thread-safe.
 */
final class RunSignals {
    private final boolean joined;
    private final IntPredicate passed;
    private @Nullable BarchanClient client;
    private @Nullable Run run;
    private @Nullable Sandbox sandbox;
    private boolean started;
    private boolean interrupted;
    private Optional<Integer> abortedBy = Optional.empty();

    private RunSignals(boolean joined, IntPredicate passed) {
        this.joined = joined;
        this.passed = passed;
    }

    /** Those of a command that ends with this process. */
    static RunSignals ofOwn() {
        return new RunSignals(false, signal -> true);
    }

    /** Those of a command that outlives this process: whose terminal hangs up is gone. */
    static RunSignals ofKept() {
        return new RunSignals(false, signal -> signal != Signals.SIGHUP);
    }

    /**
     * Those of a command that was joined.
     *
     * @param proxy whether it gets any
     */
    static RunSignals ofJoined(boolean proxy) {
        return new RunSignals(true, signal -> proxy && signal != Signals.SIGHUP);
    }

    synchronized void begin(BarchanClient over, Run begun) {
        client = over;
        run = begun;
    }

    synchronized void sandbox(Sandbox seen) {
        sandbox = seen;
    }

    synchronized void started() {
        started = true;
    }

    /** Returns the signal that ended the run, if one did. */
    synchronized Optional<Integer> abortedBy() {
        return abortedBy;
    }

    synchronized void receive(int signal) {
        boolean second = interrupted && signal == Signals.SIGINT;
        interrupted |= signal == Signals.SIGINT;
        if (run == null || abortedBy.isPresent()) {
            // Nothing exists yet but perhaps an agent that starts and is of use to the next run; or the user has waited
            // long enough.
            Signals.exit(ExitStatus.ofSignal(signal));
        } else if (started && !second && passed.test(signal)) {
            run.signal(signal);
        } else {
            abortedBy = Optional.of(signal);
            boolean leave = joined || (started && !passed.test(signal));
            Thread.ofPlatform().daemon().name("barchan-abort").start(leave ? this::cancel : this::abort);
        }
    }

    /** The reader of the command's output has gone. The sandbox can't see that, so that it is told. */
    synchronized void readerGone() {
        if (run != null && joined) {
            run.cancel();
        } else if (run != null) {
            run.signal(Signals.SIGPIPE);
        }
    }

    /** The sandbox is not kept for anything but the command any longer. */
    synchronized void release() {
        if (run != null) {
            run.release();
        }
    }

    synchronized void cancel() {
        if (run != null) {
            run.cancel();
        }
    }

    /** Deletes the sandbox by its id, so that nothing of it is left when this process ends, also with --keep. */
    private void abort() {
        BarchanClient over;
        Sandbox seen;
        synchronized (this) {
            over = client;
            seen = sandbox;
        }
        if (over != null && seen != null) {
            try {
                over.delete(seen.id());
            } catch (BarchanException e) {
                if (e.code() != BarchanException.Code.NOT_FOUND) {
                    Messages.error(e);
                }
            }
        }
        cancel();
    }
}
