package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes sandboxes down. Called by the thread that minds the sandbox, after it has disarmed its signal. */
final class Teardown {
    /** How long a guest may take to power itself off. */
    static final Duration GRACE = Duration.ofSeconds(3);

    private static final Logger LOG = LoggerFactory.getLogger(Teardown.class);

    private final Registry registry;
    private final Timer timer;

    Teardown(Registry registry, Timer timer) {
        this.registry = registry;
        this.timer = timer;
    }

    /** Lets the guest power itself off, which is quicker than destroying it, and destroys it if it does not. */
    void orderly(Sandbox sandbox, LiveGuest live) {
        sandbox.stopping();
        CompletableFuture<Void> over = new CompletableFuture<>();
        var _ = live.machine().ended().thenRun(() -> over.complete(null));
        Timer.Alarm alarm = timer.after(GRACE, () -> over.complete(null));
        live.guest().shutdown();
        over.join();
        alarm.cancel();
        atOnce(sandbox);
    }

    /** Destroys it. Returns when nothing is left, or when something can't be undone yet: then the sandbox is listed until it is. */
    void atOnce(Sandbox sandbox) {
        sandbox.stopping();
        sandbox.undo().close(timer, () -> {
            LOG.info("{}: gone", sandbox.id());
            registry.remove(sandbox);
        });
    }

    /** Leaves it to the next agent. */
    void letGo(Sandbox sandbox, LiveGuest live) {
        LOG.info("{}: runs on without the agent", sandbox.id());
        live.release();
        registry.remove(sandbox);
    }
}
