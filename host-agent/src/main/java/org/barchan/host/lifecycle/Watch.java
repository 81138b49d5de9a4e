package org.barchan.host.lifecycle;

import java.util.Optional;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Minds a sandbox that has no client: waits for its process to end, or for someone to end it. */
final class Watch {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

    private final Teardown teardown;

    Watch(Teardown teardown) {
        this.teardown = teardown;
    }

    /** Returns when the sandbox is gone or has been let go of. */
    void mind(Sandbox sandbox, LiveGuest live) {
        try {
            sandbox.signal().arm();
            Termination termination = live.guest().waitProcess(Run.PROCESS_ID);
            sandbox.signal().disarm();
            LOG.info("{}: process ended: {}", sandbox.id(), Endings.describe(termination));
            var _ = teardown.settle(sandbox, live);
            teardown.orderly(sandbox, live);
        } catch (InterruptedException e) {
            sandbox.signal().disarm();
            Optional<StopReason> reason = sandbox.signal().reason();
            LOG.info("{}: {}", sandbox.id(), reason);
            if (reason.equals(Optional.of(StopReason.AGENT_STOPPING))
                    && sandbox.clientLostPolicy() == ClientLostPolicy.KEEP) {
                teardown.letGo(sandbox, live);
            } else {
                teardown.stop(sandbox, live);
            }
        } catch (SandboxException | RuntimeException e) {
            sandbox.signal().disarm();
            LOG.error("{}: waiting for its process", sandbox.id(), e);
            teardown.atOnce(sandbox);
        }
    }
}
