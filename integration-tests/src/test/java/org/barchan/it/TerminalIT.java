package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands on terminals of their own, with and without a terminal here. */
class TerminalIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    @SuppressWarnings("NullAway.Init")
    private Path scratch;

    @Test
    void tty_withJson_isRefused() {
        barchan.call("run", "-t", "--output", "json", "--", "true").expect(125).expectStderr("--tty can't be combined");
    }

    @ParameterizedTest
    @CsvSource({"0:0, root", "1234:567, UNKNOWN"})
    void command_hasATerminal_thatIsItsOwn(String user, String owner) {
        Result result = run(List.of("-u", user), """
                tty; stat -c '%U:%G %a' "$(tty)"; for i in 0 1 2; do test -t $i && echo $i; done
                stty size; echo to-tty > /dev/tty; echo error >&2
                read -r stat < /proc/$$/stat; set -- ${stat##*) }; test $5 -ne 0 && test $6 -eq $$ && echo controls
                """).expect(0);

        assertEquals(
                List.of("/dev/pts/0", owner + ":tty 620", "0", "1", "2", "0 0", "to-tty", "error", "controls"),
                result.out().lines().toList(),
                result::toString);
        assertTrue(result.out().startsWith("/dev/pts/0\r\n"), result::toString);
        assertFalse(result.err().contains("error"), result::toString);
    }

    @Test
    void stdin_atItsEnd_isTheEndOfInput() {
        try (Running run = launch(List.of(), "cat; echo ended; exit 7")) {
            assertEquals(
                    "line\r\nbegun", // echoed, and then
                    run.write("line\nbegun")
                            .closeStdin()
                            .result()
                            .expect(7)
                            .out()
                            .substring(0, 11));
        }
        try (Running run = launch(List.of(), "stty -echo; echo ready; cat; echo ended; exit 7")) {
            run.awaitOut("ready");
            assertEquals(
                    "ready\r\nline\r\nbegunended\r\n",
                    run.write("line\nbegun").closeStdin().result().expect(7).out());
        }
    }

    @Test
    void keys_thatMakeSignals_makeThemInTheSandbox() {
        String script = """
                trap 'echo caught' INT; sh -c 'echo ready; exec sleep 1000'; echo $?
                exec sh -c 'echo again; exec sleep 1000'
                """;
        try (Running run = launch(List.of(), script)) {
            run.awaitOut("ready\r\n");
            run.write("\u0003").awaitOut("caught\r\n130\r\nagain\r\n");
            run.write("\u0003").result().expect(130);
        }
        try (Running run = launch(List.of(), "exec bash --norc -i")) {
            // The words that are typed are shown, too.
            run.write("sh -c 'echo u\"\"p; exec sleep 1000'\n").awaitOut("up\r\n");
            run.write("\u001a").awaitOut("Stopped");
            run.write("jobs | cat; kill %1; wait; exit 5\n").result().expect(5);
        }
    }

    @Test
    void output_ofMegabytes_isWhole() throws Exception {
        Result result = run(List.of(), "seq 1 200000").expect(0);
        assertEquals(
                IntStream.rangeClosed(1, 200_000).mapToObj(Integer::toString).collect(Collectors.joining("\r\n"))
                        + "\r\n",
                result.out());

        Result raw = run(
                        List.of(),
                        "stty raw; head -c 2000000 /dev/urandom > /tmp/r; sha256sum < /tmp/r >&2; cat /tmp/r")
                .expect(0);
        byte[] out = raw.outBytes();
        int sum = 64;
        int head = sum + "  -\n".length();
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOfRange(out, head, out.length));
        assertEquals(
                new String(out, 0, sum, StandardCharsets.US_ASCII),
                HexFormat.of().formatHex(digest));
        assertEquals(2_000_000, out.length - head);
    }

    @Test
    void command_thatIsNotThere_isSaidSo() {
        barchan.call("run", "-t", "--", "no-such-command").expect(127).expectStderr("command not found");
    }

    /** In tmux(1): a terminal that people use. */
    @Test
    void localTerminal_isTheCommands_andAsItWasAfterwards() throws Exception {
        Path before = scratch.resolve("before");
        Path after = scratch.resolve("after");
        String script =
                "stty -g > " + before + "; \"$@\"; echo status $?; stty -g > " + after + "; echo over; read line";
        try (Tmux tmux = new Tmux(scratch, script, barchan.builder("run", "-t", "--", "bash", "--norc", "-i"))) {
            tmux.await("bash-");
            tmux.type("trap 'echo now $(stty size)' WINCH; echo at first $(stty size)\n")
                    .await("at first 33 77");
            tmux.resize(44, 99);
            tmux.await("now 44 99");
            tmux.type("sh -c 'echo u\"\"p; exec sleep 1000'\n").await("\nup\n").key("C-c");
            tmux.type("echo status $?\n").await("status 130");
            tmux.type("seq 1 1000 | less\n")
                    .await("\n:")
                    .type("G")
                    .await("(END)")
                    .type("q");
            tmux.type("exit 3\n").await("status 3").await("over");
        }
        assertEquals(Files.readString(before), Files.readString(after));
        assertFalse(Files.readString(before).isEmpty());
    }

    /** An editor that fills the screen, is stopped, goes on, and gets another size; and a stream that nobody could read to its end. */
    @Test
    void localTerminal_ofAnEditor_andOfAFlood() {
        String script = "stty -echoctl; \"$@\"; echo status $?; read line";
        try (Tmux tmux =
                new Tmux(scratch, script, barchan.builder("run", "-t", "--", "bash", "--norc", "--noprofile", "-i"))) {
            tmux.await("bash-").type("vi -u NONE /tmp/edited\n").await("\n~\n~\n");
            tmux.type(":set laststatus=2 statusline=%{&lines}x%{&columns}\n").await("33x77");
            tmux.type("ifirst line\nsecond").await("second").key("Escape");
            tmux.key("C-z").await("Stopped");
            tmux.type("ls /tmp/edited; echo not\"\"yet\n").await("notyet");
            tmux.type("fg\n").await("33x77").resize(20, 50);
            tmux.await("20x50");
            tmux.type("yyp:wq\n").await("bash-");
            tmux.type("clear; sort /tmp/edited | uniq -c; echo lis\"\"ted\n")
                    .await("listed")
                    .await("2 second");

            tmux.type("clear; yes | head -c 1000000000\n")
                    .await("y\ny\ny\ny\ny\n")
                    .key("C-c");
            tmux.type("clear; echo in\"\"terrupted\n").await("interrupted");
            tmux.type("exit 4\n").await("status 4");
        }
    }

    @Test
    void localTerminal_whoseSandboxIsDeleted_isAsItWas() throws Exception {
        Path before = scratch.resolve("before");
        Path after = scratch.resolve("after");
        String script =
                "stty -g > " + before + "; \"$@\"; echo status $?; stty -g > " + after + "; echo over; read line";
        try (Tmux tmux = new Tmux(
                scratch,
                script,
                barchan.builder("run", "-t", "-n", "box", "--", "sh", "-c", "echo rea''dy; exec sleep 1000"))) {
            tmux.await("ready");
            barchan.call("delete", "box").expect(0);
            tmux.await("status 125").await("over");
        }
        assertEquals(Files.readString(before), Files.readString(after));
    }

    private static Result run(List<String> options, String script) {
        return barchan.call(arguments(options, script));
    }

    private static Running launch(List<String> options, String script) {
        return Barchan.launch(barchan.builder(arguments(options, script)));
    }

    private static String[] arguments(List<String> options, String script) {
        return Stream.of(List.of("run", "-t", "--cwd", "/"), options, List.of("--", "sh", "-c", script))
                .flatMap(List::stream)
                .toArray(String[]::new);
    }
}
