package org.barchan.host.lifecycle;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/** Boots a guest up to its first answer to see whether that works, and destroys it. */
final class TrialBoot {
    private final GuestBoot boot;
    private final Timer timer;

    TrialBoot(GuestBoot boot, Timer timer) {
        this.boot = boot;
        this.timer = timer;
    }

    /**
     * Returns how long the guest took to answer.
     *
     * @throws SandboxException as {@link GuestBoot#boot}
     */
    Duration run(
            Accelerator accelerator,
            BootFileSet files,
            HypervisorDriver driver,
            HostUser runAs,
            String uri,
            Duration deadline)
            throws SandboxException, InterruptedException {
        SandboxId id = SandboxId.random();
        var plan = new GuestBoot.Plan(
                id,
                new SandboxName("trial-" + id.value()),
                Instant.now(),
                ClientLostPolicy.DELETE,
                accelerator,
                files,
                MemorySize.ofMebibytes(256),
                1,
                false,
                List.of(),
                runAs,
                uri,
                deadline,
                Optional.empty());
        StopSignal signal = new StopSignal();
        Undo undo = new Undo(id.value());
        try {
            long start = timer.nanoTime();
            signal.arm();
            var _ = boot.boot(plan, driver, signal, undo);
            return Duration.ofNanos(timer.nanoTime() - start);
        } finally {
            signal.disarm();
            var _ = undo.close(timer);
        }
    }
}
