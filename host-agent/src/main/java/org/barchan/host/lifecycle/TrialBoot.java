package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;

/** Boots a guest up to its first answer to see whether that works, and destroys it. Safe for use by many threads. */
final class TrialBoot {
    private final GuestBoot boot;
    private final Timer timer;
    private final Set<Trial> running = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;

    TrialBoot(GuestBoot boot, Timer timer) {
        this.boot = boot;
        this.timer = timer;
    }

    /**
     * Returns how long the guest took to answer.
     *
     * @param signal ends it
     * @throws SandboxException as {@link GuestBoot#boot}
     */
    Duration run(
            Accelerator accelerator,
            BootFileSet files,
            HypervisorDriver driver,
            HostUser runAs,
            String uri,
            Duration deadline,
            StopSignal signal)
            throws SandboxException, InterruptedException {
        var plan = GuestBoot.Plan.bare(
                "trial", accelerator, files, MemorySize.ofMebibytes(256), 1, List.of(), runAs, uri, deadline);
        Undo undo = new Undo(plan.id().value());
        Trial trial = new Trial(signal, new CompletableFuture<>());
        running.add(trial);
        if (stopped) {
            signal.stop(StopReason.AGENT_STOPPING);
        }
        try {
            long start = timer.nanoTime();
            signal.arm();
            var _ = boot.boot(plan, driver, signal, undo);
            return Duration.ofNanos(timer.nanoTime() - start);
        } finally {
            signal.disarm();
            undo.close(timer, () -> {
                running.remove(trial);
                trial.over().complete(null);
            });
        }
    }

    /**
     * Ends the trials that run, and those to come.
     *
     * @return completes when nothing is left of them
     */
    CompletableFuture<Void> stop() {
        stopped = true;
        List<Trial> all = List.copyOf(running);
        all.forEach(trial -> trial.signal().stop(StopReason.AGENT_STOPPING));
        return CompletableFuture.allOf(all.stream().map(Trial::over).toArray(CompletableFuture[]::new));
    }

    private record Trial(StopSignal signal, CompletableFuture<Void> over) {}
}
