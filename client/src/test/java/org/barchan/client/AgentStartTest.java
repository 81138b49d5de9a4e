package org.barchan.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.barchan.client.AgentAccess.AgentStart;
import org.barchan.testing.FakeAgent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Starting an agent when none listens; the agents are shell scripts. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class AgentStartTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @Test
    void connect_noLauncher_namesIt() {
        assertFailure(access("/nowhere/bin/barchan-agent", 5), "/nowhere/bin/barchan-agent is no executable file");
    }

    @Test
    void connect_agentFails_passesOnWhatItSaid() throws Exception {
        assertFailure(
                access(launcher("echo 'no libvirt: apt-get install libvirt0' >&2; exit 3"), 20),
                "apt-get install libvirt0");
        assertFailure(access(launcher("exit 3"), 20), "gave no reason");
    }

    @Test
    void connect_agentNeverReady_endsAtTheDeadline() throws Exception {
        assertFailure(access(launcher("echo loading >&2; exec sleep 50"), 1), "did not start within 1 s");
    }

    @Test
    void connect_readyAgentThatNobodyHears_saysSo() throws Exception {
        assertFailure(access(launcher("echo ready"), 20), "nobody answers on");
    }

    @Test
    void connect_socketInADirectoryThatOthersCanWrite_isRefused() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            AgentAccess access = new AgentAccess(agent.socket(), Optional.empty());
            BarchanClient.connect(access).close();

            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
            assertFailure(access, "chmod go-w " + directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            Files.setPosixFilePermissions(agent.socket(), PosixFilePermissions.fromString("rwxrwxrwx"));
            assertFailure(access, "chmod o-w " + agent.socket());
        }
    }

    @Test
    void connect_socketOfAnotherUser_isRefused() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "needs root for giving a file away");
        try (FakeAgent agent = new FakeAgent(directory)) {
            AgentAccess access = new AgentAccess(agent.socket(), Optional.empty());
            Files.setAttribute(agent.socket(), "unix:uid", 65534);
            assertFailure(access, agent.socket() + " belongs to user 65534");
            Files.setAttribute(agent.socket(), "unix:uid", 0);
            Files.setAttribute(directory, "unix:uid", 65534);
            assertFailure(access, directory + " belongs to user 65534");
        }
    }

    @Test
    void connect_unwritableRuntimeDirectory_saysWhatToSet() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "");
        AgentAccess access = new AgentAccess(
                file.resolve("agent.sock"),
                Optional.of(new AgentStart(Path.of(launcher("echo ready")), file, Duration.ofSeconds(5))));
        assertFailure(access, "set BARCHAN_RUNTIME_DIR");
    }

    @Test
    void connect_manyAtOnce_startOneAgent() throws Exception {
        Path home = Files.createDirectory(directory.resolve("home"));
        Path log = directory.resolve("log");
        // The agent itself is in this process; the script makes it known, as a real one does when it is ready.
        try (FakeAgent agent = new FakeAgent(home)) {
            AgentAccess access = access(
                    launcher("echo \"$$ $(ps -o sid= -p $$) $(pwd) $(readlink /proc/$$/fd/0) ${SECRET-none}\" >>" + log
                            + "\n" + "ln -s " + agent.socket() + " \"$BARCHAN_RUNTIME_DIR/agent.sock\"\necho ready"),
                    20);
            ExecutorService threads = Executors.newFixedThreadPool(8);
            List<Future<String>> versions = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                versions.add(threads.submit(() -> {
                    try (BarchanClient client = BarchanClient.connect(access)) {
                        return client.agent().version();
                    }
                }));
            }
            for (Future<String> version : versions) {
                assertEquals(BarchanClient.version(), version.get(40, TimeUnit.SECONDS));
            }
            threads.shutdownNow();
        }
        List<String> starts = Files.readAllLines(log);
        assertEquals(1, starts.size(), starts::toString);
        String[] facts = starts.getFirst().split(" +", -1);
        assertEquals(facts[0], facts[1], "the agent must lead a session of its own");
        assertEquals(List.of("/", "/dev/null", "none"), List.of(facts).subList(2, 5));
        assertEquals(
                "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("run"))));
        assertNotEquals(facts[0], Long.toString(ProcessHandle.current().pid()));
    }

    private String launcher(String script) throws Exception {
        Path launcher = Files.writeString(directory.resolve("agent"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
        return launcher.toString();
    }

    private AgentAccess access(String launcher, int seconds) {
        Path runtime = directory.resolve("run");
        return new AgentAccess(
                runtime.resolve("agent.sock"),
                Optional.of(new AgentStart(Path.of(launcher), runtime, Duration.ofSeconds(seconds))));
    }

    private static void assertFailure(AgentAccess access, String expected) {
        BarchanException error = assertThrows(
                BarchanException.class, () -> BarchanClient.connect(access).close());
        assertTrue(String.valueOf(error.getMessage()).contains(expected), error.getMessage());
    }
}
