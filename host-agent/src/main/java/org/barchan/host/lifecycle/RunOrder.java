package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;

/**
 * What is to be run, and for whom.
 *
 * @param timeout how long the process may run
 * @param client the user who asks
 * @param exportChanges whether what the process has written to overlays is told when it has ended
 * @param keep whether the sandbox is kept when its process has ended, until the client sends nothing more
 */
public record RunOrder(
        SandboxSpec sandbox,
        ProcessSpec process,
        Optional<Duration> timeout,
        HostUser client,
        boolean exportChanges,
        boolean keep) {}
