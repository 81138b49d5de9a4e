package org.barchan.host.lifecycle;

import java.time.Instant;
import java.util.Optional;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/**
 * A sandbox at one moment.
 *
 * @param accelerator empty until it has been chosen
 * @param kernelRelease empty until the kernel has been chosen
 * @param bootId the guest kernel's boot id; empty until the guest has answered
 * @param linkEpochs number of times that an agent has connected to the guest
 */
public record SandboxView(
        SandboxId id,
        SandboxName name,
        Phase phase,
        Optional<Accelerator> accelerator,
        String kernelRelease,
        Instant createTime,
        String bootId,
        int linkEpochs,
        ClientLostPolicy clientLostPolicy) {

    /** Where a sandbox is in its life. */
    public enum Phase {
        STARTING,
        RUNNING,
        STOPPING
    }
}
