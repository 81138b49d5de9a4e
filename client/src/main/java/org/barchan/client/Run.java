package org.barchan.client;

import java.io.OutputStream;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A run under way. Thread-safe. */
public interface Run {
    /**
     * Completes when the process has ended and all its output has been delivered, or fails with a {@link BarchanException}.
     * Completing or cancelling the future from outside has no effect on the run.
     */
    CompletableFuture<Termination> termination();

    /**
     * Waits for the end of the process, without a deadline of its own: set {@link ProcessSpec#timeout()}, or call {@link #cancel()}.
     *
     * @throws BarchanException if the run fails
     * @throws InterruptedException if the thread is interrupted; the run goes on
     */
    Termination await() throws BarchanException, InterruptedException;

    /**
     * Returns the standard input of the process. Writing blocks until the sandbox takes the bytes, and throws once the run has ended.
     * Closing it is the end of the input; a process that reads waits for that. One thread at a time.
     */
    OutputStream stdin();

    /** Returns what the process is called in its sandbox; empty before it has been started. */
    String processId();

    /**
     * Sends a signal to the process and its process group. Without effect once the run has ended.
     *
     * @param signal Linux number, 1 to 64
     */
    void signal(int signal);

    /**
     * Gives the terminal of the process another size, of which it learns by SIGWINCH. Without effect once the run has ended.
     *
     * @throws IllegalStateException if it has no terminal: see {@link ProcessSpec#terminal()}
     */
    void resize(TerminalSize size);

    /**
     * Does not keep the sandbox any longer than its process runs: see {@link RunSpec#keepUntilReleased}. Standard input is closed, as by
     * closing {@link #stdin}. Without effect once the run has ended.
     */
    void release();

    /**
     * Returns when the agent had done what, from the arrival of the call on, in the order in which it was done: {@code prepared}, {@code machine},
     * {@code guest}, {@code configured}, {@code started}, {@code output}, {@code ended}, of these what there was. Empty before the end.
     */
    Map<String, Duration> timing();

    /** Ends the run: what happens to the sandbox, or the process, is its {@link ClientLostPolicy}. The run fails with code CANCELLED. */
    void cancel();
}
