package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sandboxes that get other names. */
@Timeout(60)
class SandboxNamesTest {
    private final FakeWorld world;
    private Sandboxes sandboxes;

    SandboxNamesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            sandboxes.delete(view.id().value());
        }
    }

    @Test
    void whatIsNotThere_orIsStarting_orTaken_isRefused() throws Exception {
        assertEquals(Code.NOT_FOUND, refusal("nobody", "other"));
        start("one", ClientLostPolicy.KEEP);
        start("two", ClientLostPolicy.KEEP);
        assertEquals(Code.ALREADY_EXISTS, refusal("one", "two"));
        world.onStart = machine -> machine.guest.silent = true;
        var _ = sandboxes.run(
                FakeWorld.order(
                        RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, "new", Hypervisors.DEFAULT_URI)),
                new RecordingObserver());
        while (world.started.size() < 3) {
            Thread.onSpinWait();
        }
        assertEquals(Code.PRECONDITION, refusal("new", "three"));
        assertEquals("one", sandboxes.get("one").name().value());
        assertEquals("one", rename("one", "one").name().value());
    }

    @Test
    void live_isFoundByIt_alsoByTheNextAgent() throws Exception {
        SandboxId id = start("old", ClientLostPolicy.KEEP);
        assertEquals("new", rename("old", "new").name().value());
        assertEquals(id, sandboxes.get("new").id());
        assertEquals(Code.NOT_FOUND, refusal("old", "other"));
        start("old", ClientLostPolicy.DELETE);
        sandboxes.delete("old");

        sandboxes.shutdown(Duration.ofSeconds(10));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(id, sandboxes.get("new").id());
        assertEquals("again", rename(id.value(), "again").name().value());
        world.started.getFirst().guest.exit(0);
        var _ = sandboxes.processes().await("again", "");
        awaitGone();
        assertEquals(id, sandboxes.get("again").id());
    }

    @Test
    void ended_isFoundByIt_alsoByTheNextAgent() throws Exception {
        SandboxId id = start("old", ClientLostPolicy.KEEP);
        world.started.getFirst().guest.exit(0);
        awaitGone();
        start("live", ClientLostPolicy.KEEP);
        assertEquals(Code.ALREADY_EXISTS, refusal("old", "live"));
        world.started.getLast().guest.exit(0);
        awaitGone();
        assertEquals(Code.ALREADY_EXISTS, refusal("old", "live"));
        assertEquals(SandboxView.Phase.ENDED, rename("old", "new").phase());
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(id, sandboxes.get("new").id());
    }

    @Test
    void whatCannotBeNoted_keepsItsName() throws Exception {
        SandboxId id = start("old", ClientLostPolicy.KEEP);
        // Nothing can be written in place of a directory, by root either.
        Path file =
                world.directory.resolve("state/sandboxes").resolve(id.value()).resolve("sandbox.new");
        Files.createDirectory(file);
        assertEquals(Code.EXHAUSTED, refusal("old", "new"));
        assertEquals("old", sandboxes.get("old").name().value());
        Files.delete(file);
        assertEquals("new", rename("old", "new").name().value());
    }

    @Test
    void guest_keepsItsHostName() throws Exception {
        start("old", ClientLostPolicy.KEEP);
        var _ = rename("old", "new");
        sandboxes.pause("new");
        sandboxes.resume("new");
        assertEquals("old", world.started.getFirst().guest.name().orElseThrow().value());
    }

    private SandboxView rename(String idOrName, String name) throws Exception {
        return sandboxes.rename(idOrName, new SandboxName(name));
    }

    private Code refusal(String idOrName, String name) {
        return assertThrows(SandboxException.class, () -> rename(idOrName, name))
                .code();
    }

    private void awaitGone() throws Exception {
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private SandboxId start(String name, ClientLostPolicy policy) throws Exception {
        RecordingObserver client = new RecordingObserver();
        var _ = sandboxes.run(
                FakeWorld.order(RunTest.spec(policy, world.root(), false, name, Hypervisors.DEFAULT_URI)), client);
        client.awaitStarted();
        return sandboxes.get(name).id();
    }
}
