package org.barchan.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AgentLockTest {
    @Test
    void take_staleFile_isTaken(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("agent.lock"), "123456789 serving, and much that is left over");

        Optional<AgentLock> lock = AgentLock.take(file, Duration.ZERO);

        assertTrue(lock.isPresent());
        assertEquals(Long.toString(ProcessHandle.current().pid()), AgentLock.holder(file));
        assertEquals(List.of(ProcessHandle.current().pid() + " serving"), Files.readAllLines(file));
        lock.get().stopping();
        assertEquals(List.of(ProcessHandle.current().pid() + " stopping"), Files.readAllLines(file));
        lock.get().close();
    }
}
