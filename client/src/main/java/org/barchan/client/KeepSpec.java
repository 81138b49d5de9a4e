package org.barchan.client;

import java.util.OptionalLong;

/**
 * What is kept of a process that outlives its client.
 *
 * @param detach whether the run is over, for its client, when the process has been started: {@link Termination.Detached}
 * @param logBytes most bytes of what the process writes, at least 1 MiB; empty: 64 MiB
 * @param logPolicy what happens when it has written more
 * @param deleteWhenEnded whether nothing is kept when the process has ended
 * @param stdinOpen with {@code detach}: whether standard input is left open for those that attach, where it is at its end at once otherwise
 */
public record KeepSpec(
        boolean detach, OptionalLong logBytes, LogPolicy logPolicy, boolean deleteWhenEnded, boolean stdinOpen) {
    /** What the agent does where nothing else is ordered. */
    public static final KeepSpec DEFAULT =
            new KeepSpec(false, OptionalLong.empty(), LogPolicy.DROP_OLDEST, false, false);
}
