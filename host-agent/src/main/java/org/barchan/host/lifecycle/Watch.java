package org.barchan.host.lifecycle;

import java.util.Optional;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Minds a sandbox that has no client: keeps what its process does, from where its log ends on, until it ends or someone ends it. */
final class Watch {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

    private final Teardown teardown;
    private final SandboxRecords records;

    Watch(Teardown teardown, SandboxRecords records) {
        this.teardown = teardown;
        this.records = records;
    }

    /**
     * Returns when the sandbox is gone or has been let go of.
     *
     * @param begun run when it is as it is to be seen
     */
    void mind(Sandbox sandbox, LiveGuest live, Runnable begun) {
        String error;
        try {
            sandbox.signal().arm();
            Termination termination = follow(sandbox, live, begun);
            sandbox.signal().disarm();
            var _ = teardown.settle(sandbox, live);
            finish(sandbox, termination);
            teardown.orderly(sandbox, live);
            return;
        } catch (InterruptedException e) {
            error = "interrupted";
            sandbox.signal().disarm();
        } catch (SandboxException | RuntimeException e) {
            error = String.valueOf(e.getMessage());
            sandbox.signal().disarm();
            LOG.warn("{}: minding its process: {}", sandbox.id(), Printable.line(error));
            sandbox.awaitMachineEnd(live);
        }
        Optional<StopReason> reason = sandbox.signal().reason();
        LOG.info("{}: {}", sandbox.id(), reason);
        if (reason.equals(Optional.of(StopReason.AGENT_STOPPING))
                && sandbox.clientLostPolicy() == ClientLostPolicy.KEEP) {
            sandbox.pauseAgain(live.machine());
            sandbox.stopping();
            teardown.letGo(sandbox, live);
        } else {
            finish(sandbox, Endings.lost(reason, live, error));
            teardown.stop(sandbox, live);
        }
    }

    private static Termination follow(Sandbox sandbox, LiveGuest live, Runnable begun)
            throws SandboxException, InterruptedException {
        ProcessLog log = sandbox.record().orElseThrow().log();
        try (ProcessConnection connection = live.guest().attach(Run.PROCESS_ID, log.stdoutEnd(), log.stderrEnd())) {
            sandbox.inputs().connected(live.guest(), Run.PROCESS_ID, connection);
            if (sandbox.isPaused()) {
                var _ = connection.stdin();
                sandbox.pauseAgain(live.machine());
            }
            begun.run();
            while (true) {
                ProcessEvent event = connection.take();
                if (event.hasTerminated()) {
                    return event.getTerminated();
                }
                log.append(event);
            }
        } finally {
            sandbox.inputs().disconnected();
        }
    }

    private void finish(Sandbox sandbox, Termination termination) {
        ProcessLog log = sandbox.record().orElseThrow().log();
        Termination counted = termination.hasLost()
                ? termination.toBuilder()
                        .setStdoutBytes(log.stdoutEnd())
                        .setStderrBytes(log.stderrEnd())
                        .build()
                : termination;
        sandbox.stopping();
        LOG.info("{}: process ended: {}", sandbox.id(), Endings.describe(counted));
        try {
            var _ = log.end(counted);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        sandbox.events().ended(sandbox.id(), sandbox.name(), counted);
        records.ended(sandbox.id());
        sandbox.termination().complete(counted);
    }
}
