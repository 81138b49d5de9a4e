package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** More processes in a sandbox that is there. */
class ExecIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void exec_whatDoesNotDo_isSaidSo() {
        barchan.call("exec", "nobody", "--", "true").expect(125).expectStderr("nobody");
        barchan.call("exec", "nobody").expect(125).expectStderr("no command to run");
        try (Running box = box("read line")) {
            barchan.call("exec", "box", "--", "no-such-command").expect(127).expectStderr("command not found");
            barchan.call("exec", "--cwd", "/nonexistent", "box", "ls")
                    .expect(125)
                    .expectStderr("/nonexistent");
            barchan.call("exec", "-u", "1:1", "box", "sh", "-c", "kill -KILL $$")
                    .expect(137);
            box.write("\n").result().expect(0);
        }
        barchan.call("exec", "box", "--", "true").expect(125).expectStderr("'box' lives here|its process has ended");
    }

    @Test
    void exec_isInTheSameSandbox_withStreamsOfItsOwn() {
        try (Running box = box("echo $$ > /tmp/pid; echo made > /tmp/file; read line; cat /tmp/more")) {
            Result result = exec("until [ -e /tmp/file ]; do :; done; cat /tmp/file; id -u; echo error >&2"
                            + "; kill -0 $(cat /tmp/pid) && echo there; echo more > /tmp/more; exit 7")
                    .expect(7)
                    .expectStderr("error");
            assertEquals("made\n0\nthere\n", result.out());
            try (Running cat = Barchan.launch(barchan.builder("exec", "box", "--", "sh", "-c", "cat; echo end"))) {
                cat.write("input\n").awaitOut("input\n");
                assertEquals("input\nend\n", cat.closeStdin().result().expect(0).out());
            }
            assertEquals("more\n", box.write("\n").result().expect(0).out().replace("ready\n", ""));
        }
    }

    @Test
    void exec_manyAtATime_areNotMixed() {
        try (Running box = box("read line")) {
            List<Running> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                all.add(barchan.start(
                        "exec", "box", "--", "sh", "-c", "seq " + i * 1000 + " " + (i * 1000 + 999) + "; exit " + i));
            }
            for (int i = 0; i < 8; i++) {
                Result result = all.get(i).result().expect(i);
                assertEquals(1000, result.out().lines().count());
                int first = i * 1000;
                result.out().lines().forEach(line -> assertEquals(first / 1000, Integer.parseInt(line) / 1000));
            }
            box.write("\n").result().expect(0);
        }
    }

    @Test
    void exec_whoseSandboxEnds_saysSo() {
        try (Running box = box("read line; exit 4");
                Running more = barchan.start("exec", "box", "--", "sh", "-c", "echo up; exec sleep 1000")) {
            more.awaitOut("up\n");
            box.write("\n").result().expect(4);
            more.result().expect(125).expectStderr("its own command has ended");
        }
    }

    @Test
    void exec_whoseClientIsKilled_getsAHangup() {
        try (Running box = box("read line");
                Running more = barchan.start(
                        "exec",
                        "box",
                        "--",
                        "sh",
                        "-c",
                        "trap 'echo hup > /tmp/hup; exit' HUP; mkfifo /tmp/hup; echo up; sleep 1000 & wait")) {
            more.awaitOut("up\n");
            more.signal("KILL").result().expect(137);
            assertEquals("hup\n", exec("cat /tmp/hup").expect(0).out());
            box.write("\n").result().expect(0);
        }
    }

    @Test
    void exec_signalsAndTime_areItsOwn() {
        try (Running box = box("read line");
                Running more = barchan.start("exec", "box", "--", "sh", "-c", "echo up; exec sleep 1000")) {
            more.awaitOut("up\n");
            more.signal("TERM").result().expect(143);
            barchan.call("exec", "--timeout", "1", "box", "--", "sleep", "1000").expect(124);
            box.write("\n").result().expect(0);
        }
    }

    @Test
    void exec_thatDoesNotReadItsInput_getsItsSignals() {
        try (Running box = box("read line");
                Running more =
                        Barchan.launch(barchan.builder("exec", "box", "--", "sh", "-c", "echo up; exec sleep 1000")
                                .redirectInput(new File("/dev/zero")))) {
            more.awaitOut("up\n").signal("TERM").result().expect(143);
            box.write("\n").result().expect(0);
        }
    }

    @Test
    void shell_withoutATerminal_isRefused() {
        barchan.call("run", "-l", "--", "true").expect(125).expectStderr("--shell needs standard input");
    }

    @Test
    void shell_besideTheCommand_outlivesIt(@TempDir(factory = InScratch.class) Path scratch) {
        String script = "\"$@\"; echo status $?; read line";
        ProcessBuilder run = barchan.builder(
                "run", "-l", "-n", "box", "--", "sh", "-c", "echo started; read line || echo no input; exit 3");
        try (Tmux tmux = new Tmux(scratch, script, run)) {
            tmux.await("started")
                    .await("no input")
                    .await("the command has ended (exit code 3)")
                    .await(":/#");
            tmux.type("echo $((40 + 2)); tty\n").await("\n42\n/dev/pts/0");
            tmux.type("exit\n").await("status 3");
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void shell_whoseTerminalGoes_endsWithIt(@TempDir(factory = InScratch.class) Path scratch) {
        try (Tmux tmux = new Tmux(scratch, "exec \"$@\"", barchan.builder("run", "-l", "--", "true"))) {
            tmux.await("the command has ended").await(":/#");
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void shell_whoseCommandHasEnded_endsWithATermination(@TempDir(factory = InScratch.class) Path scratch)
            throws IOException {
        Path pid = scratch.resolve("pid");
        String script = "sh -c 'echo $$ > " + pid + "; exec \"$@\"' sh \"$@\"; echo status $?; read line";
        try (Tmux tmux = new Tmux(scratch, script, barchan.builder("run", "-l", "--", "sh", "-c", "exit 3"))) {
            tmux.await("the command has ended").await(":/#");
            long client = Long.parseLong(Files.readString(pid).strip());
            ProcessHandle.of(client).orElseThrow().destroy();
            tmux.await("status 3");
        }
        barchan.awaitNoSandbox();
    }

    /** Starts a sandbox of that name; it is there when this returns. */
    private static Running box(String script) {
        return Barchan.launch(
                        barchan.builder("run", "-n", "box", "--cwd", "/", "--", "sh", "-c", "echo ready; " + script))
                .awaitOut("ready\n");
    }

    private static Result exec(String script) {
        return barchan.call("exec", "box", "--", "sh", "-c", script);
    }
}
