package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Commands beside a sandbox's own that outlive their clients, and the agent. */
class KeptProcessesIT {
    private static final Duration LONG = Duration.ofMinutes(2);

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    @SuppressWarnings("NullAway.Init")
    private Path scratch;

    @BeforeAll
    static void start() {
        barchan.call("run", "--detach", "--name", "box", "--", "sleep", "3600").expect(0);
    }

    @AfterAll
    static void delete() {
        barchan.call("delete", "box").expect(0);
        barchan.awaitNoSandbox();
    }

    @Test
    void whatMakesNoSense_isRefused() {
        barchan.call("exec", "--name", "job", "box", "--", "true")
                .expect(125)
                .expectStderr("option '--name' without --keep or --detach");
        barchan.call("exec", "--detach", "--name", "main", "box", "--", "true")
                .expect(125)
                .expectStderr("process_id: 'main' \\(expected: another");
        barchan.call("logs", "box/nobody").expect(125).expectStderr("no process of the id 'nobody' is kept");
        barchan.call("wait", "box/nobody").expect(125).expectStderr("no process of the id 'nobody' is kept");
        barchan.call("attach", "box/nobody").expect(125).expectStderr("no process of the id 'nobody' is kept");
        barchan.call("kill", "box/nobody").expect(125).expectStderr("nobody");
        barchan.call("exec", "--detach", "box", "--", "/nowhere").expect(127).expectStderr("command not found");
        try (Running run = barchan.start("run", "--name", "own", "--", "sh", "-c", "echo up; exec sleep 600")) {
            run.awaitOut("up");
            barchan.call("exec", "--detach", "own", "--", "true").expect(125).expectStderr("nothing is kept of it");
        }
    }

    @Test
    void detached_isWaitedFor_read_joined_signalled_listed() {
        String name = barchan.call(
                        "exec",
                        "--detach",
                        "--name",
                        "job",
                        "box",
                        "--",
                        "sh",
                        "-c",
                        "echo out; echo err >&2; exec cat")
                .expect(0)
                .out();
        assertTrue(name.endsWith("/job\n"), name);
        // The same order starts nothing; its input is at its end, so that it has ended soon.
        assertEquals(
                name,
                barchan.call(
                                "exec",
                                "--detach",
                                "--name",
                                "job",
                                "box",
                                "--",
                                "sh",
                                "-c",
                                "echo out; echo err >&2; exec cat")
                        .expect(0)
                        .out());
        barchan.call("exec", "--detach", "--name", "job", "box", "--", "true")
                .expect(125)
                .expectStderr("another one has that id");
        assertEquals("0\n", barchan.call("wait", "box/job").expect(0).out());
        Result log = barchan.call("logs", name.strip()).expect(0);
        assertEquals("out\n", log.out());
        assertEquals("err\n", log.err());

        barchan.call("exec", "--detach", "--interactive", "--name", "cat", "box", "--", "cat")
                .expect(0);
        try (Running attached = Barchan.launch(barchan.builder("attach", "box/cat"))) {
            attached.write("one\n").awaitOut("one\n");
            barchan.call("kill", "--signal", "TERM", "box/cat").expect(0);
            attached.result().expect(143);
        }
        assertEquals("143\n", barchan.call("wait", "box/cat").expect(0).out());

        String list = barchan.call("list", "box").expect(0).out();
        assertTrue(list.lines().anyMatch(line -> line.matches("main +running .* sleep 3600")), list);
        assertTrue(list.lines().anyMatch(line -> line.matches("cat +ended 143 .* cat")), list);
        JsonArray all = JsonParser.parseString(
                        barchan.call("inspect", "box").expect(0).out())
                .getAsJsonArray();
        assertTrue(all.get(0).getAsJsonObject().get("processes").toString().contains("\"id\":\"job\""), all::toString);
    }

    @Test
    void agentKilled_clientAndProcessGoOn_nothingIsLost() throws IOException {
        int lines = 400_000;
        String text =
                IntStream.rangeClosed(1, lines).mapToObj(Integer::toString).collect(Collectors.joining("\n", "", "\n"));
        Path input = Files.writeString(scratch.resolve("input"), text);
        barchan.call(
                        "exec",
                        "--detach",
                        "--name",
                        "counter",
                        "box",
                        "--",
                        "sh",
                        "-c",
                        "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; exit 6")
                .expect(0);
        try (Running kept = barchan.startWithInput(
                        input, "exec", "--keep", "--name", "echo", "box", "--", "sh", "-c", "cat; exit 5");
                Running plain = barchan.start("exec", "box", "--", "sh", "-c", "echo up; exec sleep 600")) {
            plain.awaitOut("up");
            kept.awaitOut("\n100000\n");
            barchan.agent().kill();
            assertTrue(plain.result(LONG).status() != 0, "it is hung up with its client's connection");
            Result result = kept.result(LONG).expect(5);
            assertTrue(
                    result.out().equals(text),
                    () -> "of " + text.length() + " characters " + result.out().length());
        }
        assertEquals("5\n", barchan.call("wait", "box/echo").expect(0).out());
        assertEquals("6\n", barchan.call("wait", "box/counter").expect(0).out());
        assertEquals(
                IntStream.range(0, 3000).mapToObj(Integer::toString).collect(Collectors.joining("\n", "", "\n")),
                barchan.call("logs", "box/counter").expect(0).out());
    }
}
