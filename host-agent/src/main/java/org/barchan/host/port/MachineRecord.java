package org.barchan.host.port;

import java.nio.file.Path;
import java.time.Instant;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/**
 * What the hypervisor keeps with a machine, so that an agent that comes later can take it over.
 *
 * @param writesImages whether its guest has something to write to images of the host before it ends
 * @param runtimeDirectory the directory that holds the machine's sockets, owned by it alone
 */
public record MachineRecord(
        SandboxId id,
        SandboxName name,
        Instant createTime,
        ClientLostPolicy clientLostPolicy,
        Accelerator accelerator,
        String kernelRelease,
        boolean writesImages,
        Path runtimeDirectory) {
    /** Returns the unix socket that is the host's end of the link. */
    public Path linkSocket() {
        return runtimeDirectory.resolve("link.sock");
    }

    /** Returns the unix socket that the guest's console writes to. */
    public Path consoleSocket() {
        return runtimeDirectory.resolve("console.sock");
    }
}
