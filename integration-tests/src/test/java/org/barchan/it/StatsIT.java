package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import java.util.stream.StreamSupport;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a sandbox takes, and its processes. One sandbox for all, with a shell that waits, and a sleep. */
class StatsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private static final String COMMAND = "exec 3<&0; sleep 3600 </dev/null & echo up; read line <&3; kill $!";

    private static Running box;

    @BeforeAll
    static void start() {
        box = Barchan.launch(barchan.builder("run", "--name", "box", "--memory", "256M", "--", "sh", "-c", COMMAND));
        box.awaitOut("up\n");
    }

    @AfterAll
    static void end() {
        box.write("\n").result().expect(0);
    }

    @Test
    void whatMakesNoSense_isRefused() {
        barchan.call("stats", "--no-stream", "nobody").expect(125).expectStderr("'nobody' lives here");
        barchan.call("stats", "--no-stream", "box", "nobody").expect(125).expectStderr("'nobody' lives here");
        barchan.call("top", "nobody").expect(125).expectStderr("'nobody' lives here");
    }

    @Test
    void stats_onceOrUntilTheSandboxHasEnded() {
        JsonObject stats = stats("stats", "--no-stream", "--interval", "0.1", "--output", "json", "box");
        assertEquals("running", stats.get("state").getAsString(), stats::toString);
        assertTrue(stats.has("cpuPercent") && stats.has("guestCpuPercent"), stats::toString);
        JsonObject host = stats.getAsJsonObject("host");
        assertTrue(host.get("cpuSeconds").getAsDouble() > 0, stats::toString);
        assertTrue(host.get("residentBytes").getAsLong() > 32 << 20, stats::toString);
        JsonObject guest = stats.getAsJsonObject("guest");
        assertEquals(2, guest.get("processes").getAsInt(), stats::toString);
        JsonObject memory = guest.getAsJsonObject("memory");
        long total = memory.get("totalBytes").getAsLong();
        assertTrue(128 << 20 < total && total <= 256 << 20, stats::toString);
        assertTrue(memory.get("availableBytes").getAsLong() > 16 << 20, stats::toString);
        assertEquals(1, guest.getAsJsonObject("cpu").get("vcpus").getAsInt(), stats::toString);
        assertTrue(guest.getAsJsonObject("cpu").get("systemSeconds").getAsDouble() > 0, stats::toString);
        assertTrue(guest.get("uptimeSeconds").getAsDouble() > 0.1, stats::toString);

        try (Running other = barchan.start("run", "--name", "other", "--", "sh", "-c", "echo up; sleep 3600")) {
            other.awaitOut("up\n");
            try (Running watching = barchan.start("stats", "--interval", "0.1", "other")) {
                watching.awaitOut("NAME ").awaitOut("%  ");
                other.signal("TERM");
                watching.result().expect(0);
            }
            var _ = other.result();
        }
    }

    @Test
    void top_listsTheProcessesOfTheSandbox_andNoOthers() {
        try (Running other =
                barchan.start("exec", "--user", "12:34", "box", "--", "sh", "-c", "echo up; exec sleep 3600")) {
            other.awaitOut("up\n");
            JsonArray processes = JsonParser.parseString(barchan.call("top", "--output", "json", "box")
                            .expect(0)
                            .out())
                    .getAsJsonObject()
                    .getAsJsonArray("processes");
            assertEquals(3, processes.size(), processes::toString);
            JsonObject shell = processes.get(0).getAsJsonObject();
            JsonObject sleep = processes.get(1).getAsJsonObject();
            JsonObject exec = processes.get(2).getAsJsonObject();
            assertEquals(List.of("sh", "-c", COMMAND), words(shell));
            assertEquals(0, shell.get("parentPid").getAsInt(), processes::toString);
            assertEquals(List.of("sleep", "3600"), words(sleep));
            assertEquals(shell.get("pid"), sleep.get("parentPid"), processes::toString);
            assertEquals("sleeping", sleep.get("state").getAsString(), processes::toString);
            assertTrue(sleep.get("residentBytes").getAsLong() > 0, processes::toString);
            assertEquals(List.of("sleep", "3600"), words(exec));
            assertEquals(12, exec.get("uid").getAsInt(), processes::toString);
            String table = barchan.call("top", "box").expect(0).out();
            assertEquals(4, table.lines().count(), table);
            assertFalse(table.contains("init"), table);
        }
    }

    @Test
    void guestThatDoesNotAnswer_leavesTheHostsHalf() {
        barchan.call("pause", "box").expect(0);
        try {
            JsonObject paused = stats("stats", "--no-stream", "--interval", "0.1", "--output", "json", "box");
            assertEquals("it is paused", paused.get("guestProblem").getAsString());
            assertTrue(paused.getAsJsonObject("host").get("residentBytes").getAsLong() > 0, paused::toString);
            barchan.call("top", "box").expect(125).expectStderr("it is paused");
        } finally {
            barchan.call("resume", "box").expect(0);
        }
        String id = barchan.sandbox("box").get("id").getAsString();
        long qemu = barchan.processes(Kind.QEMU).stream()
                .filter(process -> process.commandLine().contains(id))
                .findFirst()
                .orElseThrow()
                .pid();
        Running.signal("STOP", qemu);
        try {
            JsonObject silent = stats("stats", "--no-stream", "--interval", "0.1", "--output", "json");
            assertTrue(silent.get("guestProblem").getAsString().contains("what the sandbox takes"), silent::toString);
            assertFalse(silent.has("guest"), silent::toString);
            assertTrue(silent.getAsJsonObject("host").get("cpuSeconds").getAsDouble() > 0, silent::toString);
        } finally {
            Running.signal("CONT", qemu);
        }
        barchan.call("top", "box").expect(0);
    }

    private static JsonObject stats(String... arguments) {
        JsonArray all = JsonParser.parseString(barchan.call(arguments).expect(0).out())
                .getAsJsonObject()
                .getAsJsonArray("stats");
        assertEquals(1, all.size(), all::toString);
        return all.get(0).getAsJsonObject();
    }

    private static List<String> words(JsonObject process) {
        return StreamSupport.stream(process.getAsJsonArray("command").spliterator(), false)
                .map(JsonElement::getAsString)
                .toList();
    }
}
