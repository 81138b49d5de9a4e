package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Clients that join commands which run: with pipes and with terminals, several of them, across agents that are killed. */
class AttachIT {
    private static final Duration LONG = Duration.ofMinutes(2);

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    @SuppressWarnings("NullAway.Init")
    private Path scratch;

    @AfterEach
    void deleteAll() {
        barchan.sandboxNames().forEach(name -> barchan.call("delete", name));
        barchan.awaitNoSandbox();
    }

    @Test
    void whatCannotBeJoined_isSaid() {
        barchan.call("attach", "nobody").expect(125).expectStderr("nobody");
        barchan.call("attach", "--detach-keys", "strg-p", "x")
                .expect(125)
                .expectStderr("'--detach-keys': 'strg-p' \\(expected: keys");
        barchan.call("run", "--detach", "--name", "over", "--", "sh", "-c", "exit 3")
                .expect(0);
        barchan.call("wait", "over").expect(0);
        barchan.awaitNoSandbox();
        barchan.call("attach", "over").expect(125).expectStderr("it has ended; 'barchan logs'");
        barchan.call("delete", "over").expect(0);
        try (Running run = barchan.start("run", "--name", "own", "--", "sh", "-c", "echo up; exec sleep 600")) {
            run.awaitOut("up");
            barchan.call("attach", "own").expect(125).expectStderr("nothing is kept of it");
        }
    }

    @Test
    void several_getTheOutput_theLastHasTheInput_itsEndIsTheCommands() {
        barchan.call(
                        "run",
                        "--detach",
                        "--interactive",
                        "--name",
                        "cat",
                        "--",
                        "sh",
                        "-c",
                        "cat; echo error >&2; exit 7")
                .expect(0);
        try (Running first = Barchan.launch(barchan.builder("attach", "cat"));
                Running reader = barchan.start("attach", "--no-stdin", "cat")) {
            first.write("one\n").awaitOut("one\n");
            try (Running second = Barchan.launch(barchan.builder("attach", "cat"))) {
                first.awaitErr("another client writes");
                second.write("two\n").awaitOut("two\n");
                first.awaitOut("two\n");
                Result end = second.closeStdin().result().expect(7);
                assertEquals("two\n", end.out());
                assertEquals("error\n", end.err());
            }
            assertEquals("one\ntwo\n", first.result().expect(7).out());
            assertTrue(reader.result().expect(7).out().endsWith("two\n"));
            assertEquals("one\ntwo\n", barchan.call("logs", "cat").expect(0).out());
        }
    }

    @Test
    void signals_goToTheCommand_orEndTheClientAlone() {
        barchan.call(
                        "run",
                        "--detach",
                        "--name",
                        "traps",
                        "--",
                        "sh",
                        "-c",
                        "trap 'echo caught' INT; echo trapped; while :; do sleep 0.1; done")
                .expect(0);
        try (Running log = barchan.start("logs", "--follow", "traps")) {
            log.awaitOut("trapped\n");
        }
        try (Running attached = barchan.start("attach", "--no-stdin", "--sig-proxy=false", "traps");
                Running proxy = barchan.start("attach", "--no-stdin", "traps")) {
            interruptUntilHeard(attached);
            interruptUntilHeard(proxy);
            attached.signal("TERM").result().expect(143);
            proxy.signal("HUP").result().expect(129);
        }
        assertEquals("running", barchan.sandbox("traps").get("state").getAsString());
        try (Running proxy = barchan.start("attach", "--no-stdin", "traps")) {
            interruptUntilHeard(proxy);
            proxy.signal("TERM").result().expect(143);
        }
        assertEquals("143\n", barchan.call("wait", "traps").expect(0).out());
    }

    /** Who joins hears only what comes after that. */
    private static void interruptUntilHeard(Running attached) {
        do {
            barchan.call("kill", "--signal", "INT", "traps").expect(0);
        } while (attached.outBytes() == 0);
    }

    /** What goes in comes out: a byte that is lost or comes twice, either way, is seen. */
    @Test
    void agentKilled_whileBytesGoBothWays_noneIsLost_noneComesTwice() throws Exception {
        int lines = 1_500_000;
        String all =
                IntStream.rangeClosed(1, lines).mapToObj(Integer::toString).collect(Collectors.joining("\n", "", "\n"));
        Path input = scratch.resolve("input");
        Files.writeString(input, all);
        barchan.call("run", "--detach", "--interactive", "--name", "cat", "--", "sh", "-c", "cat; exit 5")
                .expect(0);
        try (Running attached = barchan.startWithInput(input, "attach", "cat")) {
            for (int seen : new int[] {100_000, 800_000}) {
                attached.awaitOut("\n" + seen + "\n");
                barchan.agent().kill();
            }
            Result result = attached.result(LONG).expect(5);
            assertEquals(all.length(), result.out().length());
            assertTrue(all.equals(result.out()), "other lines than were sent");
        }
    }

    @Test
    void paused_standsStill_alsoWhenTheAgentIsReplaced_andGoesOnWithTheRightTime() {
        barchan.call("run", "--detach", "--name", "ticks", "--", "sh", "-c", "while :; do date +%s; sleep 0.1; done")
                .expect(0);
        try (Running attached = barchan.start("attach", "--no-stdin", "ticks")) {
            attached.awaitOut("\n");
            barchan.call("pause", "ticks").expect(0);
            barchan.call("exec", "ticks", "--", "true").expect(125).expectStderr("it is paused");
            barchan.call("attach", "ticks").expect(125).expectStderr("it is paused");
            barchan.agent().kill();
            assertEquals("paused", barchan.sandbox("ticks").get("state").getAsString());
            int before = awaitStill(attached);
            barchan.call("resume", "ticks").expect(0);
            assertTrue(attached.awaitOutBytes(before + 50, LONG), "it does not go on");
            long there = Long.parseLong(
                    barchan.call("exec", "ticks", "--", "date", "+%s").expect(0).line());
            long here = System.currentTimeMillis() / 1000;
            assertTrue(Math.abs(here - there) <= 2, "its clock is " + (here - there) + " s behind");
            barchan.call("pause", "ticks").expect(0);
            barchan.call("stop", "ticks").expect(0);
        }
    }

    /** What came while the sandbox was taken over may arrive late. Returns how much there is when no more comes. */
    private static int awaitStill(Running attached) {
        for (int attempt = 0; attempt < 20; attempt++) {
            int before = attached.outBytes();
            // Takes longer than the command does for a line.
            for (int call = 0; call < 3; call++) {
                barchan.call("exec", "ticks", "--", "true").expect(125).expectStderr("it is paused");
            }
            if (attached.outBytes() == before) {
                return before;
            }
        }
        throw new AssertionError("it goes on, though it is paused");
    }

    @Test
    void agentKilled_aRunThatIsKept_goesOnWhereItWas() {
        try (Running run = Barchan.launch(
                barchan.builder("run", "--keep", "--name", "kept", "--", "sh", "-c", "cat; echo error >&2; exit 9"))) {
            run.write("one\n").awaitOut("one\n");
            barchan.agent().kill();
            run.write("two\n").awaitOut("one\ntwo\n");
            barchan.agent().terminate();
            Result result = run.write("three\n").closeStdin().result(LONG).expect(9);
            assertEquals("one\ntwo\nthree\n", result.out());
            assertTrue(result.err().endsWith("error\n"), result.err());
        }
        barchan.call("delete", "kept").expect(0);
    }

    @Test
    void terminal_isLeftByItsKeys_andJoinedAgain_itsScreenDrawnAnew() throws Exception {
        String script = "stty -g > before; \"$@\"; echo left with $?; stty -g > after; echo over; read line";
        barchan.call("run", "--detach", "--tty", "--name", "shell", "--", "bash", "--norc", "-i")
                .expect(0);
        String inScratch = "cd " + scratch + "; ";
        Path[] directories = new Path[3];
        for (int i = 0; i < directories.length; i++) {
            directories[i] = Files.createDirectory(scratch.resolve("tmux" + i));
        }
        try (Tmux tmux = new Tmux(directories[0], inScratch + script, barchan.builder("attach", "shell"))) {
            // The prompt was written before anybody was there.
            tmux.await("bash-");
            tmux.type("echo $((20 + 3)) $(stty size)\n").await("23 33 77");
            tmux.type("x=kept\n").key("C-p").type("# not the keys\n").await("not the keys");
            tmux.key("C-p").key("C-q").await("left with 0").await("over");
        }
        assertEquals(Files.readString(scratch.resolve("before")), Files.readString(scratch.resolve("after")));
        assertEquals("running", barchan.sandbox("shell").get("state").getAsString());
        try (Tmux tmux = new Tmux(
                directories[1], inScratch + script, barchan.builder("attach", "--detach-keys", "ctrl-x,x", "shell"))) {
            tmux.await("bash-");
            tmux.type("echo it was $x\n").await("it was kept");
            tmux.type("less /etc/services\n")
                    .await("tcpmux")
                    .key("C-x")
                    .type("x")
                    .await("left with 0");
        }
        try (Tmux tmux = new Tmux(directories[2], inScratch + script, barchan.builder("attach", "shell"))) {
            tmux.await("tcpmux").type("q").await("bash-");
            tmux.type("exit 3\n").await("left with 3").await("over");
        }
    }
}
