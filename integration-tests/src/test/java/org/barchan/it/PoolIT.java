package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sandboxes that take a guest which has waited. */
class PoolIT {
    private static final String TAKEN = "the guest has waited";
    private static final String WAITS = "waits for a sandbox: ";
    private static final String WAITS_NO_MORE = "waits no more";
    private static final int ATTEMPTS = 5;
    private static final Duration MADE = Duration.ofSeconds(90);

    @RegisterExtension
    static final Barchan barchan = Barchan.withTemplates();

    @Test
    void taken_twoOneAfterTheOther_areDifferent() throws Exception {
        String script = "cat /proc/sys/kernel/random/boot_id /etc/machine-id; head -c 16 /dev/urandom | od -An -tx1;"
                + " cat /proc/sys/kernel/random/uuid; hostname; date +%s";
        Instant before = Instant.now();
        List<String> one =
                taken("--name", "one", "--", "sh", "-c", script).out().lines().toList();
        List<String> two =
                taken("--name", "two", "--", "sh", "-c", script).out().lines().toList();

        for (int i = 0; i < one.size() - 1; i++) {
            assertNotEquals(one.get(i), two.get(i));
        }
        assertEquals(List.of("one", "two"), List.of(one.get(4), two.get(4)));
        for (List<String> lines : List.of(one, two)) {
            long clock = Long.parseLong(lines.get(5));
            assertTrue(
                    clock >= before.getEpochSecond() && clock <= Instant.now().getEpochSecond(), lines::toString);
        }
    }

    @Test
    void taken_isWhatAnySandboxIs() throws Exception {
        Result result = taken("--env", "A=b", "--", "sh", "-c", "echo $A; pwd; echo err >&2; exit 3")
                .expect(3);

        assertEquals("b\n/\n", result.out());
        assertTrue(result.err().contains("err\n"));
    }

    @Test
    void secretThatCameLater_isNotSeen() throws Exception {
        Path secret = Path.of("/etc/wireguard");
        if (Files.exists(secret)) {
            assertTrue(taken("--", "ls", "-A", secret.toString()).out().isEmpty());
            return;
        }
        var _ = taken("--", "true");
        awaitWaiting();
        Files.createDirectory(secret);
        try {
            Files.writeString(secret.resolve("key"), "secret");
            Result result =
                    Barchan.launch(builder("--", "cat", secret + "/key")).result();
            assertFalse(result.out().contains("secret"));
        } finally {
            Files.delete(secret.resolve("key"));
            Files.delete(secret);
        }
    }

    /** Runs a command until it gets a guest that has waited. */
    private static Result taken(String... optionsAndCommand) throws Exception {
        for (int attempt = 1; ; attempt++) {
            Result result = Barchan.launch(builder(optionsAndCommand)).result();
            if (result.err().contains(TAKEN)) {
                return result;
            }
            assertTrue(
                    attempt < ATTEMPTS,
                    () -> "none has waited\n" + barchan.installation().agentLog());
            awaitWaiting();
        }
    }

    /** Waits until one waits. */
    private static void awaitWaiting() throws Exception {
        long deadline = System.nanoTime() + MADE.toNanos();
        while (lines(WAITS) == lines(WAITS_NO_MORE)) {
            assertTrue(
                    System.nanoTime() < deadline,
                    () -> "none waits\n" + barchan.installation().agentLog());
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static long lines(String text) throws Exception {
        Path log = barchan.installation().state().resolve("log/agent.log");
        return Files.readAllLines(log, StandardCharsets.ISO_8859_1).stream()
                .filter(line -> line.contains(text))
                .count();
    }

    private static ProcessBuilder builder(String... optionsAndCommand) {
        List<String> arguments = new ArrayList<>(List.of("run", "--verbose"));
        arguments.addAll(List.of(optionsAndCommand));
        ProcessBuilder builder = barchan.builder(arguments.toArray(String[]::new));
        builder.environment().put("BARCHAN_POOL", "2");
        return builder;
    }
}
