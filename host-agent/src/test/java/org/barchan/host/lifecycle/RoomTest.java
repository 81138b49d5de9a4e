package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.barchan.host.port.Host.Descriptors;
import org.barchan.host.sandbox.SandboxException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class RoomTest {
    private static final Path STATE = Path.of("/state");
    private static final Path RUNTIME = Path.of("/run/agent");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private FakeWorld world;

    private final Map<Path, Long> free = new HashMap<>();

    @SuppressWarnings("NullAway.Init")
    private Room room;

    @BeforeEach
    void room() throws Exception {
        world = new FakeWorld(directory);
        room = new Room(world, RUNTIME, STATE, path -> free.getOrDefault(path, Long.MAX_VALUE));
    }

    @Test
    void fullStateDirectory_nothingNewIsBegun_untilThereIsRoom() throws Exception {
        free.put(STATE, Room.LEFT_STATE_BYTES - 1);

        String sandbox = refused(() -> room.forSandbox());
        String process = refused(() -> room.checkProcess("running a process in s-1"));

        assertEquals(
                "starting a sandbox: /state has 16383 KiB of disk left, and 16384 KiB have to be left for what runs. Make room there,"
                        + " for example by 'barchan rm' of sandboxes that have ended",
                sandbox);
        assertTrue(process.startsWith("running a process in s-1: /state has"), process);
        free.put(STATE, Room.LEFT_STATE_BYTES);
        room.forSandbox().free();
        room.checkProcess("running a process in s-1");
    }

    @Test
    void fullRuntimeDirectory_nothingNewIsBegun() {
        free.put(RUNTIME, 0L);

        assertTrue(refused(() -> room.forSandbox()).contains("/run/agent has 0 KiB"));
    }

    @Test
    void noDescriptors_nothingNewIsBegun() {
        world.descriptors = new Descriptors(1024, 1024);

        String reason = refused(() -> room.forSandbox());

        assertTrue(reason.contains("1024 of the agent's 1024 file descriptors are in use"), reason);
        assertTrue(reason.contains("LimitNOFILE"), reason);
        refused(() -> room.checkProcess("running a process"));
    }

    @Test
    void sandboxesThatAreBeingStarted_countUntilTheyHaveBegun() throws Exception {
        world.descriptors = new Descriptors(0, Room.LEFT_DESCRIPTORS + 2 * Room.SANDBOX_DESCRIPTORS);

        Room.Place first = room.forSandbox();
        var _ = room.forSandbox();
        refused(() -> room.forSandbox());
        // The refused one has no place.
        refused(() -> room.forSandbox());
        first.free();
        first.free();

        var _ = room.forSandbox();
        refused(() -> room.forSandbox());
    }

    private static String refused(Executable attempt) {
        SandboxException e = assertThrows(SandboxException.class, attempt);
        assertEquals(SandboxException.Code.EXHAUSTED, e.code());
        return String.valueOf(e.getMessage());
    }
}
