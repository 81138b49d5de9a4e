package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.barchan.host.sandbox.SandboxException;
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

    /**
     * Has the guest write out what images of the host are to have, where there is such a thing. Ends all processes.
     *
     * @return what could not be written, a line each
     */
    List<String> settle(Sandbox sandbox, LiveGuest live) {
        boolean over = live.machine().ended().toCompletableFuture().isDone();
        if (over || !live.machine().record().writesImages()) {
            return List.of();
        }
        sandbox.stopping();
        List<String> problems;
        try {
            sandbox.goOn(live);
            problems = live.guest().settle();
        } catch (SandboxException e) {
            problems = List.of(String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problems = List.of("interrupted");
        }
        problems.forEach(problem -> LOG.warn("{}: writing to its images: {}", sandbox.id(), Printable.line(problem)));
        return problems;
    }

    /** Ends a sandbox whose process may still run: at once, unless it has images to write to. */
    void stop(Sandbox sandbox, LiveGuest live) {
        var _ = settle(sandbox, live);
        atOnce(sandbox);
    }

    /**
     * Lets a guest that has settled power itself off, which is quicker than destroying it, and destroys it if it does
     * not.
     */
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
            if (sandbox.record().isEmpty()) {
                sandbox.events().deleted(sandbox.id(), sandbox.name());
            }
            registry.remove(sandbox);
        });
    }

    /** Leaves it to the next agent. */
    void letGo(Sandbox sandbox, LiveGuest live) {
        LOG.info("{}: runs on without the agent", sandbox.id());
        sandbox.unpublish();
        live.release();
        sandbox.record().ifPresent(SandboxRecord::release);
        registry.remove(sandbox);
    }
}
