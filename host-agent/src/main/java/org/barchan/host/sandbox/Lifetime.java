package org.barchan.host.sandbox;

import java.time.Duration;
import java.util.Optional;

/**
 * How long a sandbox may live.
 *
 * @param most since it was accepted; empty: as long as its process
 * @param idle while it is not in use; empty: as long as its process
 */
public record Lifetime(Optional<Duration> most, Optional<Duration> idle) {
    /** As long as its process. */
    public static final Lifetime UNLIMITED = new Lifetime(Optional.empty(), Optional.empty());
}
