package org.barchan.client;

import java.util.OptionalLong;

/**
 * What is kept of a sandbox that outlives its client.
 *
 * @param detach whether the run is over, for its client, when the process has been started: {@link Termination.Detached}
 * @param logBytes most bytes of what the process writes, at least 1 MiB; empty: 64 MiB
 * @param logPolicy what happens when it has written more
 * @param deleteWhenEnded whether nothing is kept when the process has ended
 */
public record KeepSpec(boolean detach, OptionalLong logBytes, LogPolicy logPolicy, boolean deleteWhenEnded) {
    /** What the agent does where nothing else is ordered. */
    public static final KeepSpec DEFAULT = new KeepSpec(false, OptionalLong.empty(), LogPolicy.DROP_OLDEST, false);
}
