package org.barchan.host;

import java.time.Duration;
import org.barchan.host.api.CallGate;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.lifecycle.Timer;

/** Ends an agent that has had no call for a while and has no sandbox. It leaves after one to two times that while. */
final class IdleExit {
    private final Timer timer;
    private final Duration timeout;
    private final CallGate gate;
    private final Sandboxes sandboxes;
    private final Runnable exit;

    /** @param exit run once, when no call can begin any more */
    IdleExit(Timer timer, Duration timeout, CallGate gate, Sandboxes sandboxes, Runnable exit) {
        this.timer = timer;
        this.timeout = timeout;
        this.gate = gate;
        this.sandboxes = sandboxes;
        this.exit = exit;
    }

    /** Begins to wait. */
    void start() {
        long seen = gate.begun();
        var _ = timer.after(timeout, () -> {
            if (gate.closeIfIdle(seen, sandboxes::closeIfIdle)) {
                exit.run();
            } else {
                start();
            }
        });
    }
}
