package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A guest that is to be kept outlives its agent, and the next agent goes on with it. */
class AgentRestartIT {
    private static final Duration ADOPTED = Duration.ofSeconds(30);

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void agentKilled_keptGuest_nextAgentHasTheSameGuestUnderANewEpoch() {
        Inventory before;
        try (Running run =
                barchan.start("run", "--keep", "--name", "kept", "--", "sh", "-c", "echo ready; exec sleep 600")) {
            run.awaitOut("ready");
            JsonObject first = barchan.sandbox("kept");
            HostProcess firstAgent = barchan.agent();
            HostProcess machine = barchan.processes(Kind.QEMU).getFirst();
            firstAgent.kill();
            // A second one, to see that a guest is taken over more than once.
            for (int epochs = first.get("linkEpochs").getAsInt(), restart = 0; restart < 2; restart++) {
                JsonObject adopted = awaitEpochAfter(epochs);
                assertEquals(first.get("bootId"), adopted.get("bootId"), adopted::toString);
                assertEquals(first.get("id"), adopted.get("id"), adopted::toString);
                assertEquals(
                        machine.pid(), barchan.processes(Kind.QEMU).getFirst().pid(), "another QEMU runs in its place");
                assertNotEquals(firstAgent.pid(), barchan.agent().pid());
                epochs = adopted.get("linkEpochs").getAsInt();
                barchan.agent().kill();
            }
            barchan.call("delete", "kept").expect(0);
            run.result().expect(125).expectStderr("deleted");
        }
        barchan.awaitNoSandbox();
        before = barchan.inventory();
        assertTrue(before.files().stream().noneMatch(file -> file.contains("link.sock")), before::toString);
    }

    @Test
    void agentThatIsStopping_isWaitedFor() {
        barchan.call("run", "true").expect(0);
        HostProcess first = barchan.agent();
        first.terminate();

        // The first agent of a state directory takes seconds to end: it keeps its classes for the next one.
        assertEquals("again\n", barchan.call("run", "echo", "again").expect(0).out());

        assertNotEquals(first.pid(), barchan.agent().pid());
    }

    @Test
    void clientKilled_keptGuest_runsOnUntilDeleted() {
        try (Running run =
                barchan.start("run", "--keep", "--name", "alone", "--", "sh", "-c", "echo ready; exec sleep 600")) {
            run.awaitOut("ready").signal("KILL").result();
        }
        assertEquals("running", barchan.sandbox("alone").get("state").getAsString());
        barchan.call("delete", "alone").expect(0);
        barchan.awaitNoSandbox();
    }

    /** The guest answers again a moment after the agent does; nothing but asking tells when. */
    private static JsonObject awaitEpochAfter(int epochs) {
        long end = System.nanoTime() + ADOPTED.toNanos();
        JsonObject sandbox = barchan.sandbox("kept");
        while (sandbox.get("linkEpochs").getAsInt() <= epochs) {
            assertTrue(System.nanoTime() < end, "no new epoch after " + ADOPTED + ": " + sandbox);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            sandbox = barchan.sandbox("kept");
        }
        return sandbox;
    }
}
