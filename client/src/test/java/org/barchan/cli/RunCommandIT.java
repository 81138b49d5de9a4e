package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.barchan.testing.FakeAgent;
import org.barchan.testing.FakeRun;
import org.barchan.v1.ProgressLevel;
import org.barchan.v1.SpawnStep;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code barchan run} as a process, against an agent without sandboxes. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class RunCommandIT {
    private static final int BIG = 64 << 20;
    private static final org.barchan.v1.OutputStream STDOUT = org.barchan.v1.OutputStream.OUTPUT_STREAM_STDOUT;
    private static final org.barchan.v1.OutputStream STDERR = org.barchan.v1.OutputStream.OUTPUT_STREAM_STDERR;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @SuppressWarnings("NullAway.Init")
    private FakeAgent agent;

    @BeforeEach
    void startAgent() throws Exception {
        agent = new FakeAgent(directory);
    }

    @AfterEach
    void stopAgent() {
        agent.close();
    }

    @Test
    void run_invalidArgument_printsEachViolation() throws Exception {
        agent.behave(run -> {
            run.start();
            throw StatusProto.toStatusRuntimeException(Status.newBuilder()
                    .setCode(Code.INVALID_ARGUMENT_VALUE)
                    .setMessage("the request is wrong")
                    .addDetails(Any.pack(BadRequest.newBuilder()
                            .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                                    .setField("sandbox.root_directory")
                                    .setDescription("/nowhere does not exist"))
                            .build()))
                    .build());
        });
        Command.Result result = run("--root", "/nowhere", "ls");
        assertEquals(125, result.status());
        assertEquals(
                "barchan: the request is wrong\nbarchan:   sandbox.root_directory: /nowhere does not exist\n",
                result.err());
    }

    @Test
    void run_noAgent_saysSo() throws Exception {
        agent.close();
        Command.Result result = run("ls");
        assertEquals(125, result.status());
        assertTrue(result.err().contains("barchan: no agent listens on " + agent.socket()), result.err());
    }

    @Test
    void run_agentOfAnotherVersion_isRefused() throws Exception {
        agent.version("0.0.1");
        Command.Result result = run("ls");
        assertEquals(125, result.status());
        assertTrue(result.err().contains("is version 0.0.1, this client is"), result.err());
    }

    @Test
    void run_agentStops_isTriedOnceMore() throws Exception {
        assertEquals(0, unavailable(1).status());
        Command.Result result = unavailable(2);
        assertEquals(125, result.status());
        assertEquals("barchan: the agent is stopping\n", result.err());
    }

    @ParameterizedTest
    @CsvSource({
        "EXEC,2,127,barchan: nosuch: command not found in the sandbox",
        "EXEC,13,126,can't be executed",
        "CHDIR,2,125,why"
    })
    void run_notStarted_saysWhy(String step, int errno, int status, String message) throws Exception {
        agent.behave(run -> run.sandbox().notStarted(SpawnStep.valueOf("SPAWN_STEP_" + step), errno, "why"));
        Command.Result result = run("nosuch");
        assertEquals(status, result.status());
        assertTrue(result.err().contains(message), result.err());
    }

    @Test
    void run_exitStatus_isTheCommands() throws Exception {
        for (int status : new int[] {0, 1, 7, 42, 255}) {
            agent.behave(run -> run.started().exit(status));
            assertEquals(status, run("x").status());
        }
        agent.behave(run -> run.started().killed(9, TerminationCause.TERMINATION_CAUSE_SIGNALLED));
        assertEquals(137, run("x").status());
        agent.behave(run -> run.started().killed(15, TerminationCause.TERMINATION_CAUSE_TIMEOUT));
        assertEquals(124, run("x").status());
    }

    @Test
    void run_bigInput_comesBackUnchanged() throws Exception {
        agent.behave(run -> {
            run.started();
            for (Optional<ByteString> bytes = run.read(); bytes.isPresent(); bytes = run.read()) {
                run.write(STDOUT, bytes.get());
            }
            run.exit(0);
        });
        byte[] bytes = random(1);
        long begin = System.nanoTime();
        try (Command command = start("cat")) {
            write(command, bytes);
            Command.Result result = command.end();
            assertEquals(0, result.status(), result.err());
            assertArrayEquals(bytes, result.stdout());
        }
        System.out.printf("64 MiB both ways: %.2f s%n", (System.nanoTime() - begin) / 1e9);
    }

    @Test
    void run_bigOutputs_stayApart() throws Exception {
        byte[] out = random(2);
        byte[] err = random(3);
        agent.behave(run -> {
            run.started();
            for (int i = 0; i < BIG; i += 65536) {
                run.write(STDOUT, ByteString.copyFrom(out, i, 65536));
                run.write(STDERR, ByteString.copyFrom(err, i, 65536));
            }
            run.exit(3);
        });
        Command.Result result = run("x");
        assertEquals(3, result.status());
        assertArrayEquals(out, result.stdout());
        assertArrayEquals(err, result.stderr());
    }

    @Test
    void run_commandThatReadsNothing_endsAtOnce() throws Exception {
        agent.behave(run -> run.started().exit(5));
        try (Command command = start("true")) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                try {
                    write(command, random(4));
                } catch (IOException e) {
                    // The pipe broke, as it does with any command.
                }
            });
            assertEquals(5, command.end().status());
            writer.get(60, TimeUnit.SECONDS);
        }
        agent.behave(run -> run.started().exit(6));
        try (Command command = start("true")) {
            // Standard input stays open and silent.
            assertEquals(6, command.end().status());
        }
    }

    @Test
    void run_closedDescriptors_areNotUsed() throws Exception {
        agent.behave(run -> {
            run.started();
            assertEquals(Optional.empty(), run.read());
            run.stdout("out\n").stderr("err\n").exit(0);
        });
        Command.Result result =
                Command.shell(environment(), "exec \"$0\" run x <&-").end();
        assertEquals("out\n", result.out());
        assertEquals("err\n", result.err());
        assertEquals(
                0,
                Command.shell(environment(), "exec \"$0\" run x <&- >&- 2>&-")
                        .end()
                        .status());
    }

    @Test
    void run_signals_goToTheCommand() throws Exception {
        agent.behave(run -> {
            run.started().stdout("ready\n");
            for (int i = 0; i < 4; i++) {
                run.stdout("got " + run.nextSignal() + "\n");
            }
            run.killed(15, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
        });
        try (Command command = start("sleep")) {
            command.awaitOutput("ready\n");
            command.kill("HUP");
            command.awaitOutput("got 1\n");
            command.kill("INT");
            command.awaitOutput("got 2\n");
            command.kill("QUIT");
            command.awaitOutput("got 3\n");
            command.kill("TERM");
            Command.Result result = command.end();
            assertEquals("ready\ngot 1\ngot 2\ngot 3\ngot 15\n", result.out(), result.err());
            assertEquals(143, result.status());
        }
    }

    @Test
    void run_secondInterrupt_deletesTheSandbox() throws Exception {
        agent.behave(run -> {
            run.started().stdout("ready\n");
            run.nextSignal();
            run.stdout("first\n").awaitGone();
        });
        try (Command command = start("sleep")) {
            command.awaitOutput("ready\n");
            command.kill("INT");
            command.awaitOutput("first\n");
            command.kill("INT");
            Command.Result result = command.end();
            assertEquals(130, result.status());
            assertEquals("", result.err());
            agent.nextRun().awaitGone();
            assertEquals(List.of("b-aaaaaaaaaaaa"), agent.deleted());
        }
    }

    @Test
    void run_signalWhileStarting_cancels() throws Exception {
        agent.behave(FakeRun::awaitGone);
        try (Command command = start("sleep")) {
            FakeRun run = agent.nextRun();
            run.start();
            command.kill("TERM");
            assertEquals(143, command.end().status());
            run.awaitGone();
        }
    }

    @Test
    void run_ignoredSignal_staysIgnored() throws Exception {
        agent.behave(run -> {
            run.started().stdout("ready\n");
            run.exit(run.nextSignal());
        });
        try (Command command = Command.shell(environment(), "trap '' HUP; exec \"$0\" run sleep")) {
            command.awaitOutput("ready\n");
            command.kill("HUP");
            command.kill("TERM");
            // Of two that are pending, the lower number is delivered first.
            assertEquals(15, command.end().status());
        }
    }

    @Test
    void run_readerGone_tellsTheCommand() throws Exception {
        CompletableFuture<Integer> signal = new CompletableFuture<>();
        agent.behave(run -> {
            run.started();
            while (!run.hasSignal()) {
                run.stdout("y\n".repeat(1000));
            }
            signal.complete(run.nextSignal());
            run.killed(13, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
        });
        Command.Result result = Command.shell(environment(), "\"$0\" run yes | head -1; echo ${PIPESTATUS[0]}")
                .end();
        assertEquals("y\n141\n", result.out(), result.err());
        assertEquals(13, signal.get(10, TimeUnit.SECONDS));
        assertEquals("", result.err());
    }

    @Test
    void run_readerGone_commandThatWritesOn_isEnded() throws Exception {
        agent.behave(run -> {
            run.started();
            while (!run.isGone()) {
                run.stdout("y\n".repeat(1000));
            }
        });
        Command.Result result = Command.shell(environment(), "\"$0\" run yes | head -1; echo ${PIPESTATUS[0]}")
                .end();
        assertEquals("y\n141\n", result.out(), result.err());
    }

    @Test
    void run_fullDisk_isBarchansFailure() throws Exception {
        agent.behave(run -> {
            run.started().stdout("x");
            run.awaitGone();
        });
        Command.Result result =
                Command.shell(environment(), "\"$0\" run x >/dev/full").end();
        assertEquals(125, result.status());
        assertTrue(result.err().contains("No space left"), result.err());
    }

    @Test
    void run_arguments_arriveByteForByte() throws Exception {
        Command.Result result = Command.shell(
                        Map.of("BARCHAN_ADDRESS", agent.socket().toString(), "LC_ALL", "C"),
                        "A=$'\\xfe' \"$0\" run --env A --env B=\u00fc --env 'C=x=y' -- x $'\\xff\\n' \u00e4 '' --help")
                .end();
        assertEquals(0, result.status(), result.err());
        var process = agent.nextRun().start().getProcess();
        assertEquals(
                List.of(
                        ByteString.copyFromUtf8("x"),
                        ByteString.copyFrom(new byte[] {(byte) 0xFF, '\n'}),
                        ByteString.copyFromUtf8("\u00e4"),
                        ByteString.EMPTY,
                        ByteString.copyFromUtf8("--help")),
                process.getArgvList());
        Map<String, ByteString> variables = new HashMap<>();
        process.getEnvironmentList().forEach(v -> variables.put(v.getName().toStringUtf8(), v.getValue()));
        assertEquals(ByteString.copyFrom(new byte[] {(byte) 0xFE}), variables.get("A"));
        assertEquals(ByteString.copyFromUtf8("\u00fc"), variables.get("B"));
        assertEquals(ByteString.copyFromUtf8("x=y"), variables.get("C"));
        assertFalse(variables.containsKey("BARCHAN_ADDRESS"));
    }

    @Test
    void run_messages_goToStderr() throws Exception {
        agent.behave(run -> {
            run.progress(ProgressLevel.PROGRESS_LEVEL_WARNING, "runs under TCG");
            run.progress(ProgressLevel.PROGRESS_LEVEL_INFO, "proving KVM");
            run.progress(ProgressLevel.PROGRESS_LEVEL_VERBOSE, "domain defined");
            run.console("kernel says hello\n");
            run.started().exit(0);
        });
        assertEquals("barchan: warning: runs under TCG\nkernel says hello\n", run("x").err());
        assertEquals(
                "barchan: warning: runs under TCG\nbarchan: proving KVM\nbarchan: domain defined\nkernel says hello\n",
                run("--verbose", "--debug", "x").err());
        assertFalse(agent.nextRun().start().getSandbox().getDebug());
        assertTrue(agent.nextRun().start().getSandbox().getDebug());
    }

    @Test
    void run_fileWithANameThatIsNotAscii_isRead() throws Exception {
        agent.behave(run -> run.started().exit(0));
        String script = "cd " + directory
                + "; f=$(printf 'gr\\303\\274n.yaml'); echo 'command: [ls]' > $f; \"$0\" run --file $f";
        assertEquals("", Command.shell(environment(), script).end().err());
        assertEquals("ls", agent.nextRun().start().getProcess().getArgv(0).toStringUtf8());
    }

    @Test
    void run_timing_saysWhenWhatWasReached() throws Exception {
        agent.behave(run -> {
            run.started();
            run.stdout("out").exit(3);
        });
        Command.Result result = run("--timing", "x");
        assertEquals(3, result.status());
        assertEquals("out", result.out());
        List<String> lines = result.err().lines().toList();
        assertEquals(
                List.of("connected to the agent", "called", "first output is here", "end of barchan"),
                lines.subList(1, lines.size()).stream()
                        .map(line -> line.replaceFirst(" *[0-9.]+ +[+][0-9.]+  ", ""))
                        .toList(),
                result.err());
    }

    @Test
    void run_terminal_getsNoControlSequences() throws Exception {
        agent.behave(run -> run.started().stdout("\033[31mred\n").exit(0));
        Command.Result result = Command.shell(environment(), "script -qec \"$0 run x\" /dev/null </dev/null")
                .end();
        assertEquals("^[[31mred\r\n", result.out());
        assertEquals("\033[31mred\n", run("x").out());
    }

    @Test
    void run_tty_hasTheTerminalToItself() throws Exception {
        agent.behave(run -> {
            run.started().stdout("\033[31mred\n");
            // What it was from the start may be said once more.
            TerminalSize size = run.awaitSize();
            while (size.getRows() == 33) {
                size = run.awaitSize();
            }
            run.stdout(size.getRows() + "x" + size.getColumns()).exit(0);
        });
        String script = """
                export B="$0"; script -qefc 'stty rows 33 cols 77; stty -g
                    { until grep -q "m[r]ed" "$SEEN"; do sleep 0.1; done; stty rows 44; } < /dev/tty &
                    "$B" run -t x; stty -g' "$SEEN"
                """;
        Map<String, String> environment = new HashMap<>(environment());
        environment.put("SEEN", directory.resolve("seen").toString());

        Command.Result result = Command.shell(environment, script).end();

        String modes = result.out().lines().findFirst().orElseThrow();
        // What the command writes gets there as it is, and the terminal is as it was before.
        assertEquals(modes + "\r\n\033[31mred\n44x77" + modes + "\r\n", result.out());
        assertEquals(
                33, agent.nextRun().start().getProcess().getTerminal().getSize().getRows());
    }

    @Test
    void exec_isAProcessOfThatSandbox_andSignalsReachItAlone() throws Exception {
        agent.behave(run -> {
            assertEquals("box", run.exec().getSandbox());
            run.process().stdout("up\n");
            assertEquals(15, run.nextSignal());
            run.exit(9);
        });
        try (Command command = Command.start(environment(), "exec", "box", "--", "x", "--", "y")) {
            command.awaitOutput("up\n");
            command.kill("TERM");
            assertEquals(9, command.end().status());
        }
        assertEquals(3, agent.nextRun().exec().getProcess().getArgvCount());
    }

    @Test
    void run_json_holdsEverything() throws Exception {
        agent.behave(run -> {
            run.progress(ProgressLevel.PROGRESS_LEVEL_WARNING, "runs under TCG");
            run.started().stdout("text ä\n");
            run.write(STDERR, ByteString.copyFrom(new byte[] {0, (byte) 0xFF})).exit(7);
        });
        Command.Result result = run("--output", "json", "x");
        assertEquals(7, result.status());
        JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
        assertEquals(7, json.get("exitStatus").getAsInt());
        assertEquals("exited", json.getAsJsonObject("termination").get("kind").getAsString());
        assertEquals("exited", json.getAsJsonObject("termination").get("cause").getAsString());
        assertEquals("text ä\n", json.getAsJsonObject("stdout").get("data").getAsString());
        assertEquals("base64", json.getAsJsonObject("stderr").get("encoding").getAsString());
        assertArrayEquals(
                new byte[] {0, (byte) 0xFF},
                Base64.getDecoder()
                        .decode(json.getAsJsonObject("stderr").get("data").getAsString()));
        assertEquals("fake", json.getAsJsonObject("sandbox").get("name").getAsString());
        assertTrue(json.getAsJsonObject("durations").get("total").getAsDouble() > 0);
    }

    @Test
    void run_json_bigOutput_isCut() throws Exception {
        agent.behave(run -> {
            run.started();
            for (int i = 0; i < BIG / 65536; i++) {
                run.stdout("x".repeat(65536));
            }
            run.exit(0);
        });
        JsonObject stdout = JsonParser.parseString(run("--output", "json", "x").out())
                .getAsJsonObject()
                .getAsJsonObject("stdout");
        assertEquals(BIG, stdout.get("bytes").getAsLong());
        assertEquals(16 << 20, stdout.get("data").getAsString().length());
        assertTrue(stdout.get("truncated").getAsBoolean());
    }

    @Test
    void run_json_failure_isInIt() throws Exception {
        agent.behave(run -> {
            throw io.grpc.Status.FAILED_PRECONDITION.withDescription("no 9p").asRuntimeException();
        });
        Command.Result result = run("--output", "json", "x");
        assertEquals(125, result.status());
        JsonObject error =
                JsonParser.parseString(result.out()).getAsJsonObject().getAsJsonObject("error");
        assertEquals("precondition", error.get("code").getAsString());
        assertEquals("no 9p", error.get("message").getAsString());
    }

    private Map<String, String> environment() {
        return Map.of("BARCHAN_ADDRESS", agent.socket().toString());
    }

    private Command start(String... words) throws Exception {
        String[] arguments = new String[words.length + 1];
        arguments[0] = "run";
        System.arraycopy(words, 0, arguments, 1, words.length);
        return Command.start(environment(), arguments);
    }

    private Command.Result run(String... words) throws Exception {
        try (Command command = start(words)) {
            command.process().getOutputStream().close();
            return command.end();
        }
    }

    private Command.Result unavailable(int runs) throws Exception {
        agent.unavailable(runs);
        return run("x");
    }

    private static void write(Command command, byte[] bytes) throws IOException {
        try (OutputStream stdin = command.process().getOutputStream()) {
            stdin.write(bytes);
        }
    }

    private static byte[] random(int seed) {
        byte[] bytes = new byte[BIG];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}
