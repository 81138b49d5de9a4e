package org.barchan.client;

import java.time.Duration;

/**
 * What a sandbox's QEMU takes of the host, and so all that runs in the sandbox together with what emulates it.
 *
 * @param readTime by a clock of the host that is never set, when this was read: what two readings are apart
 * @param cpu time of the host's CPUs that it has had
 * @param residentBytes its memory that is in the host's RAM
 */
public record HostUsage(Duration readTime, Duration cpu, long residentBytes) {
    /** Returns how many CPUs it has kept busy since an earlier reading, for example 0.5; 0 if it is none of the same QEMU. */
    public double cpusSince(HostUsage earlier) {
        return GuestUsage.rate(earlier.cpu, cpu, earlier.readTime, readTime);
    }
}
