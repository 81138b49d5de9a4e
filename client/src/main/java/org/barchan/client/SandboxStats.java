package org.barchan.client;

import java.time.Instant;
import java.util.Optional;

/**
 * What a sandbox takes, at one time.
 *
 * @param state {@link SandboxState#RUNNING} or {@link SandboxState#PAUSED}
 * @param time by the host's clock
 * @param host what it takes of the host; empty if the hypervisor does not say
 * @param hostProblem why not, else empty
 * @param guest what its guest says; empty if that says nothing
 * @param guestProblem why not, else empty
 */
public record SandboxStats(
        String id,
        String name,
        SandboxState state,
        Instant time,
        Optional<HostUsage> host,
        String hostProblem,
        Optional<GuestUsage> guest,
        String guestProblem) {}
