package org.barchan.client;

import java.util.Locale;
import java.util.OptionalLong;

/**
 * A limit of what a process may use: see setrlimit(2).
 *
 * @param soft what is in force; empty: no limit. At most {@code hard}
 * @param hard what the process may raise it to; empty: no limit
 */
public record ResourceLimit(Resource resource, OptionalLong soft, OptionalLong hard) {
    /** What can be limited, as setrlimit(2) calls it. */
    public enum Resource {
        CPU,
        FSIZE,
        DATA,
        STACK,
        CORE,
        RSS,
        NPROC,
        NOFILE,
        MEMLOCK,
        AS,
        LOCKS,
        SIGPENDING,
        MSGQUEUE,
        NICE,
        RTPRIO,
        RTTIME
    }

    /** @throws IllegalArgumentException if a limit is negative, or the soft one is above the hard one */
    public ResourceLimit {
        if (soft.orElse(0) < 0 || hard.orElse(0) < 0) {
            throw new IllegalArgumentException(name(resource) + ": a negative limit (expected: 0 or more)");
        }
        if (hard.isPresent() && soft.orElse(Long.MAX_VALUE) > hard.getAsLong()) {
            throw new IllegalArgumentException(name(resource) + ": the soft limit, "
                    + (soft.isPresent() ? Long.toString(soft.getAsLong()) : "none") + ", is above the hard one, "
                    + hard.getAsLong());
        }
    }

    private static String name(Resource resource) {
        return resource.name().toLowerCase(Locale.ROOT);
    }
}
