package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A run whose outcome is known before.
 *
 * @param delay passes before it is started
 * @param input what the command reads
 * @param status what {@code barchan} exits with
 * @param out all of standard output
 * @param err the end of standard error: Barchan's own lines come before what the command says
 * @param shot what is done to {@code barchan} while it runs
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares trials
record Trial(
        Duration delay, List<String> arguments, byte[] input, int status, byte[] out, String err, Optional<Shot> shot) {
    private static final byte[] NOTHING = {};
    private static final int MAX_BYTES = 4 * 1024 * 1024;

    /** Signals that end a command, and a client that passes them on. */
    private enum Signal {
        HUP(1),
        INT(2),
        QUIT(3),
        KILL(9),
        TERM(15);

        private final int number;

        Signal(int number) {
            this.number = number;
        }
    }

    /**
     * A signal to {@code barchan}.
     *
     * @param after time from its start
     */
    record Shot(String signal, Duration after) {}

    /** Draws one of all kinds. */
    static Trial draw(RandomGenerator random) {
        Duration delay = Duration.ofMillis(random.nextInt(3000));
        return switch (random.nextInt(7)) {
            case 0 -> exit(delay, random.nextInt(256));
            case 1 -> cat(delay, random);
            case 2 -> outputs(delay, random.nextInt(256), 1 + random.nextInt(300_000));
            case 3 -> signalled(delay, Signal.values()[random.nextInt(Signal.values().length)]);
            case 4 -> timeout(delay, 100 + random.nextInt(2000));
            case 5 -> notFound(delay);
            default ->
                shot(
                        delay,
                        Signal.values()[random.nextInt(Signal.values().length)],
                        Duration.ofMillis(random.nextInt(15_000)));
        };
    }

    private static Trial exit(Duration delay, int code) {
        return new Trial(delay, run("sh", "-c", "exit " + code), NOTHING, code, NOTHING, "", Optional.empty());
    }

    private static Trial cat(Duration delay, RandomGenerator random) {
        // As many short ones as long ones.
        byte[] bytes = new byte[random.nextInt(MAX_BYTES >> random.nextInt(20)) + 1];
        random.nextBytes(bytes);
        return new Trial(delay, run("cat"), bytes, 0, bytes, "", Optional.empty());
    }

    private static Trial outputs(Duration delay, int code, int count) {
        String script = "head -c " + count + " /dev/zero | tr '\\0' x >&2; echo out; exit " + code;
        byte[] out = "out\n".getBytes(StandardCharsets.US_ASCII);
        return new Trial(delay, run("sh", "-c", script), NOTHING, code, out, "x".repeat(count), Optional.empty());
    }

    private static Trial signalled(Duration delay, Signal signal) {
        return new Trial(
                delay,
                run("sh", "-c", "kill -" + signal + " $$"),
                NOTHING,
                128 + signal.number,
                NOTHING,
                "",
                Optional.empty());
    }

    private static Trial timeout(Duration delay, int millis) {
        List<String> arguments = List.of("run", "--timeout", millis / 1000.0 + "s", "--", "sleep", "600");
        return new Trial(delay, arguments, NOTHING, 124, NOTHING, "(--timeout)\n", Optional.empty());
    }

    private static Trial notFound(Duration delay) {
        return new Trial(delay, run("/nonexistent"), NOTHING, 127, NOTHING, "", Optional.empty());
    }

    private static Trial shot(Duration delay, Signal signal, Duration after) {
        Optional<Shot> shot = Optional.of(new Shot(signal.name(), after));
        return new Trial(delay, run("sleep", "600"), NOTHING, 128 + signal.number, NOTHING, "", shot);
    }

    private static List<String> run(String... command) {
        List<String> arguments = new ArrayList<>(List.of("run", "--"));
        arguments.addAll(List.of(command));
        return arguments;
    }

    /**
     * Runs it to its end and fails unless what came of it is what has to.
     *
     * @param work where a file for the input may be made
     * @param agentMayDie whether the agent is killed at about this time, so that the run may end with a message about that instead
     */
    void check(Barchan barchan, Path work, boolean agentMayDie) throws IOException, InterruptedException {
        // Waits for nothing: when it begins, and when it is shot, is drawn like the rest.
        Thread.sleep(delay);
        Path stdin = Files.write(Files.createTempFile(work, "in", ""), input);
        try (Running running = barchan.startWithInput(stdin, arguments.toArray(String[]::new))) {
            if (shot.isPresent()) {
                Thread.sleep(shot.get().after());
                shoot(running.pid(), shot.get().signal());
            }
            Result result = running.result();
            if (agentMayDie && result.status() == 125) {
                result.expectStderr("agent");
            } else {
                check(result);
            }
        } finally {
            Files.delete(stdin);
        }
    }

    private void check(Result result) {
        assertEquals(status, result.status(), () -> this + "\n" + result);
        assertArrayEquals(out, result.outBytes(), () -> this + "\n" + result);
        assertTrue(result.err().endsWith(err), () -> this + "\n" + result);
    }

    /** One that has ended because its agent was killed can't be hit; one that was missed runs into its deadline. */
    private static void shoot(long pid, String signal) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }

    @Override
    public String toString() {
        String shown = String.join(" ", arguments) + " after " + delay.toMillis() + " ms, with " + input.length
                + " bytes of input";
        return shown
                + shot.map(s -> ", SIG" + s.signal() + " after " + s.after().toMillis() + " ms")
                        .orElse("") + " (expected: exit status " + status + ", " + out.length
                + " bytes on stdout)";
    }
}
