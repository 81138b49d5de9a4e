package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is kept of sandboxes that outlive their clients: all of their output, and how they ended, whatever dies meanwhile. */
class LogsIT {
    private static final Duration LONG = Duration.ofMinutes(2);

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterEach
    void deleteAll() {
        for (String line : barchan.call("list", "--all", "--output", "json")
                .expect(0)
                .out()
                .lines()
                .toList()) {
            JsonParser.parseString(line)
                    .getAsJsonObject()
                    .getAsJsonArray("sandboxes")
                    .forEach(sandbox -> barchan.call(
                            "delete", sandbox.getAsJsonObject().get("id").getAsString()));
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void optionsThatMakeNoSense_areRefused_eachWithItsName() {
        barchan.call("run", "--rm", "--", "true").expect(125).expectStderr("'--rm' without --keep or --detach");
        barchan.call("run", "--log-limit", "2M", "--", "true").expect(125).expectStderr("'--log-limit' without");
        barchan.call("run", "--detach", "--log-limit", "1", "--", "true")
                .expect(125)
                .expectStderr("at least 1M");
        barchan.call("run", "--detach", "--log-policy", "x", "--", "true")
                .expect(125)
                .expectStderr("drop-oldest");
        barchan.call("run", "--detach", "--shell", "--", "true").expect(125).expectStderr("--shell");
        barchan.call("logs", "--since", "yesterday", "x").expect(125).expectStderr("'yesterday' \\(expected: a time");
        barchan.call("logs", "nobody").expect(125).expectStderr("nobody");
        barchan.call("wait", "nobody").expect(125).expectStderr("nobody");
    }

    @Test
    void detached_runsOn_itsOutputAndItsEndAreKept_untilItIsDeleted() {
        Result started = barchan.call(
                "run", "--detach", "--name", "alone", "--", "sh", "-c", "echo out; echo err >&2; exec sleep 600");
        String id = started.expect(0).out().strip();
        assertTrue(id.startsWith("b-"), id);
        try (Running logs = barchan.start("logs", "-f", "alone")) {
            logs.awaitOut("out").awaitErr("err");
            try (Running wait = barchan.start("wait", id)) {
                barchan.call("kill", "--signal", "TERM", "alone").expect(0);
                assertEquals("143\n", wait.result().expect(0).out());
            }
            Result all = logs.result().expect(0);
            assertEquals("out\n", all.out());
            assertEquals("err\n", all.err());
        }
        barchan.awaitNoSandbox();
        assertEquals("143\n", barchan.call("wait", "alone").expect(0).out());
        Result again = barchan.call("logs", "alone").expect(0);
        assertEquals("out\n", again.out());
        assertEquals("err\n", again.err());
        assertTrue(
                barchan.call("list", "--all").expect(0).out().contains("ended 143"),
                "it is not among those that have ended");
        List<String> kinds = barchan.call("logs", "--output", "json", "alone")
                .expect(0)
                .out()
                .lines()
                .map(line -> JsonParser.parseString(line).getAsJsonObject())
                .map(entry -> entry.get("kind").getAsString())
                .toList();
        assertEquals("started", kinds.getFirst());
        assertEquals("terminated", kinds.getLast());

        barchan.call("delete", "alone").expect(0);
        barchan.call("logs", "alone").expect(125).expectStderr("no sandbox of the id or name 'alone'");
        barchan.call("wait", id).expect(125);
    }

    @Test
    void detachedWithRm_leavesNothing() {
        String id = barchan.call("run", "--detach", "--rm", "--", "sh", "-c", "read -r x; exit 9")
                .expect(0)
                .out()
                .strip();
        barchan.awaitNoSandbox();
        barchan.call("logs", id).expect(125).expectStderr("no sandbox");
    }

    @Test
    void detached_commandThatIsNotThere_saysSo() {
        barchan.call("run", "--detach", "--", "/no/such/command").expect(127).expectStderr("not found");
    }

    @Test
    void agentKilledAgainAndAgain_noByteOfTheOutputIsLost_norTheExitStatus() {
        int lines = 2_400_000;
        // Slow enough for it to go on while no agent is there.
        String command = "i=0; while [ $i -lt " + lines
                + " ]; do seq $((i + 1)) $((i + 50000)); i=$((i + 50000)); sleep 0.2; done; exit 7";
        barchan.call("run", "--detach", "--name", "numbers", "--log-policy", "spill", "--", "sh", "-c", command)
                .expect(0);
        try (Running logs = barchan.start("logs", "-f", "numbers");
                Running wait = barchan.start("wait", "numbers")) {
            for (int seen : List.of(50_000, 800_000, 1_600_000)) {
                logs.awaitOut("\n" + seen + "\n");
                barchan.agent().kill();
                long killed = System.nanoTime();
                // More than was under way when it died: 1 MiB in the guest, as much again in the agent and the client.
                logs.awaitOut("\n" + (seen + 400_000) + "\n");
                System.out.printf(
                        "400000 lines more %d ms after the agent was killed%n",
                        (System.nanoTime() - killed) / 1_000_000);
            }
            Result all = logs.result(LONG).expect(0);
            String expected = IntStream.rangeClosed(1, lines)
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining("\n", "", "\n"));
            assertEquals(expected.length(), all.out().length());
            assertTrue(expected.equals(all.out()), "other lines than were written");
            assertEquals("7\n", wait.result(LONG).expect(0).out());
        }
    }

    @Test
    void machineKilled_saysThatItsEndWasNotSeen_toEverybody() {
        barchan.call("run", "--detach", "--name", "box", "--", "sh", "-c", "echo there; exec sleep 600")
                .expect(0);
        try (Running logs = barchan.start("logs", "-f", "box")) {
            logs.awaitOut("there");
            barchan.processes(Kind.QEMU).getFirst().kill();
            assertEquals("there\n", logs.result().expect(0).out());
        }
        assertEquals("125\n", barchan.call("wait", "box").expect(0).out());
        barchan.awaitNoSandbox();
        JsonObject end = JsonParser.parseString(barchan.call("logs", "--output", "json", "box")
                        .expect(0)
                        .out()
                        .lines()
                        .toList()
                        .getLast())
                .getAsJsonObject()
                .getAsJsonObject("termination");
        assertEquals("vmm_crash", end.get("cause").getAsString());
    }

    @Test
    void moreThanIsKept_isSaid_howMuchAndOfWhat() {
        barchan.call("run", "--detach", "--name", "big", "--log-limit", "1M", "--", "sh", "-c", "seq 500000; exit 0")
                .expect(0);
        assertEquals("0\n", barchan.call("wait", "big").expect(0).out());
        Result logs = barchan.call("logs", "big").expect(0);
        logs.expectStderr("[0-9]+ bytes of standard output from byte 0 on are not kept any more");
        assertTrue(logs.out().endsWith("\n499999\n500000\n"), "the end is missing");
        assertTrue(logs.out().length() <= 1 << 20, "kept " + logs.out().length());
    }
}
