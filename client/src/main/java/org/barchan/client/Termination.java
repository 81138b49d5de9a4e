package org.barchan.client;

/**
 * How a process ended.
 *
 * @param stdoutBytes bytes that it wrote to standard output in all
 * @param stderrBytes bytes that it wrote to standard error in all
 * @param outputAbandoned whether something that it left behind still held its output open
 */
public record Termination(
        Result result, TerminationCause cause, long stdoutBytes, long stderrBytes, boolean outputAbandoned) {
    /** What the guest's kernel reported, or why there is nothing to report. */
    public sealed interface Result {}

    /** It exited with this status, 0 to 255. */
    public record Exited(int code) implements Result {}

    /** It was ended by this signal (Linux number). */
    public record Signalled(int signal) implements Result {}

    /**
     * It was never started.
     *
     * @param errno Linux's number of the reason
     * @param message names the step, the file and the reason
     */
    public record NotStarted(SpawnStep step, int errno, String message) implements Result {}

    /** It was started, and its client waits for no end: {@link KeepSpec#detach}. */
    public record Detached() implements Result {}

    /** It was started, but its end was not seen. */
    public record Lost(String reason) implements Result {}
}
