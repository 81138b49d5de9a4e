package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The standard streams: nothing lost, doubled, mixed or waited for in vain. */
class StreamsIT {
    private static final int SIZE = 64 * 1024 * 1024;

    @RegisterExtension
    static final Barchan barchan = Barchan.withTemplates();

    /** Longer than a guest takes to boot and go, shorter than anything that these tests make a command wait for. */
    private static Duration atOnce = Duration.ZERO;

    @BeforeAll
    static void measure() {
        barchan.call("run", "--", "true").expect(0);
        atOnce = barchan.call("run", "--", "true")
                .expect(0)
                .took()
                .multipliedBy(2)
                .plusSeconds(10);
    }

    @Test
    void cat_randomBytes_comeBackUnchanged(@TempDir Path directory) throws IOException {
        byte[] bytes = new byte[SIZE];
        new Random(42).nextBytes(bytes);
        Path file = Files.write(directory.resolve("bytes"), bytes);
        Result result =
                barchan.startWithInput(file, "run", "--", "cat").result().expect(0);
        assertEquals(digest(bytes), digest(result.outBytes()));
    }

    @Test
    void bothOutputs_fullAtOnce_areBothRight() throws IOException, InterruptedException {
        // Numbers, so that a block at a wrong place is found; the same programs make them here to be compared with.
        String out = "seq 1 9000000 | head -c " + SIZE;
        String err = "seq 20000000 29000000 | head -c " + SIZE;
        Result result = barchan.call("run", "--", "sh", "-c", "{ " + out + "; } & { " + err + "; } >&2; wait");
        result.expect(0);
        assertEquals(digest(local(out)), digest(result.outBytes()));
        byte[] stderr = result.errBytes();
        // A message of Barchan's own, that KVM does not work for example, comes before.
        assertTrue(stderr.length >= SIZE, () -> stderr.length + " bytes on stderr");
        byte[] tail = Arrays.copyOfRange(stderr, stderr.length - SIZE, stderr.length);
        assertEquals(digest(local(err)), digest(tail));
    }

    @Test
    void everyByte_passes(@TempDir Path directory) throws IOException {
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        Path file = Files.write(directory.resolve("bytes"), bytes);
        Result result =
                barchan.startWithInput(file, "run", "--", "cat").result().expect(0);
        assertArrayEquals(bytes, result.outBytes());
    }

    @Test
    void endlessInput_commandEndsWithoutReadingIt_endsAtOnce() {
        Result result = barchan.startWithInput(
                        Path.of("/dev/zero"), "run", "--", "sh", "-c", "head -c 3 | wc -c; exit 5")
                .result(atOnce);
        result.expect(5);
        assertEquals("3", result.line());
    }

    @Test
    void openInput_commandEnds_endsAtOnce() {
        // As at a terminal where nobody types: the input neither comes nor ends.
        try (Running running = Barchan.launch(barchan.builder("run", "--", "echo", "done"))) {
            Result result = running.result(atOnce).expect(0);
            assertEquals("done\n", result.out());
        }
    }

    @Test
    void interactiveInput_isPassedOnAsItComes() {
        try (Running running = Barchan.launch(barchan.builder("run", "--", "cat"))) {
            running.write("one\n").awaitOut("one\n");
            running.write("two\n").awaitOut("one\ntwo\n");
            running.closeStdin().result().expect(0);
        }
    }

    @Test
    void backgroundChild_holdsOutput_doesNotDelayTheEnd() {
        Result result = barchan.start("run", "--", "sh", "-c", "sleep 600 & echo done; exit 6")
                .result(atOnce);
        result.expect(6);
        assertEquals("done\n", result.out());
    }

    @Test
    void orphan_endsFirst_itsStatusIsNotTheCommands() {
        // The orphan's parent is gone, so it is init that reaps it, while the command still runs.
        Result result = barchan.call("run", "--", "sh", "-c", "( sh -c 'exit 9' & ) ; sleep 1; echo still; exit 3");
        result.expect(3);
        assertEquals("still\n", result.out());
    }

    @Test
    void closedOutput_commandGetsNoFurtherThanAPipeWould() throws IOException {
        // The reader goes away: the run has to end, as `yes | head -1` does.
        ProcessBuilder builder = new ProcessBuilder(
                        "bash",
                        "-c",
                        "set -o pipefail; \"$0\" run -- yes | head -n 1",
                        barchan.installation().executable().toString())
                .directory(new File("/"))
                .redirectInput(new File("/dev/null"));
        builder.environment().putAll(barchan.environment());
        Result result = Barchan.launch(builder).result(atOnce).expect(141);
        assertEquals("y\n", result.out());
    }

    @Test
    void backgroundChild_writesForEver_doesNotDelayTheEnd() {
        Result result = barchan.start("run", "--", "sh", "-c", "yes & exit 3").result(atOnce);
        result.expect(3);
        assertTrue(result.out().startsWith("y\ny\n"), "the output begins with something else");
    }

    @Test
    void backgroundChild_writesForEverAndNobodyReads_doesNotDelayTheEnd() {
        try (Running run = barchan.start(
                "run", "--keep", "--name", "writer", "--", "sh", "-c", "yes & echo on >&2; sleep 3; exit 3")) {
            run.awaitErr("on").signal("KILL").result().expect(137);
            barchan.awaitNoSandbox();
        }
    }

    @Test
    void standardStreams_openedByTheirNames_areTheUsers(@TempDir Path directory) throws IOException {
        Path input = Files.writeString(directory.resolve("in"), "in\n");
        List<String> arguments = new ArrayList<>(List.of("run"));
        if (Root.isRoot()) {
            arguments.addAll(List.of("--user", "nobody"));
        }
        arguments.addAll(List.of("--", "sh", "-c", "cat /dev/stdin; echo out > /dev/stdout; echo err > /dev/stderr"));
        Result result = barchan.startWithInput(input, arguments.toArray(String[]::new))
                .result()
                .expect(0);
        assertEquals("in\nout\n", result.out());
        assertTrue(result.err().endsWith("err\n"), result::toString);
    }

    private static byte[] local(String script) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("sh", "-c", script).start();
        byte[] bytes = process.getInputStream().readAllBytes();
        assertEquals(0, process.waitFor());
        assertEquals(SIZE, bytes.length);
        return bytes;
    }

    private static String digest(byte[] bytes) {
        try {
            return bytes.length + " bytes, "
                    + HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
