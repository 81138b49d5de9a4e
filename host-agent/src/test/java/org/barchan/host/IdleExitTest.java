package org.barchan.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.barchan.host.api.CallGate;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.Sandboxes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class IdleExitTest {
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final CallGate gate = new CallGate();
    private final AtomicInteger exits = new AtomicInteger();

    IdleExitTest(@TempDir Path directory) throws IOException {
        world = new FakeHypervisor(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        new IdleExit(world.timer(), TIMEOUT, gate, sandboxes, exits::incrementAndGet).start();
    }

    @Test
    void idle_forTheWholeTimeout_exitsOnceAndTakesNoMoreCalls() {
        world.pass(TIMEOUT.minusMillis(1));
        assertEquals(0, exits.get());
        world.pass(Duration.ofMillis(1));
        assertEquals(1, exits.get());
        assertTrue(gate.closeIfIdle(gate.begun() + 1, () -> false), "it is closed");
        world.pass(TIMEOUT.multipliedBy(3));
        assertEquals(1, exits.get());
    }

    @Test
    void sandboxThatLives_withoutACall_keepsTheAgent() throws Exception {
        world.runKept(sandboxes);
        world.pass(TIMEOUT.multipliedBy(3));
        assertEquals(0, exits.get());

        sandboxes.delete("kept");
        world.pass(TIMEOUT.multipliedBy(2));
        assertEquals(1, exits.get());
    }
}
