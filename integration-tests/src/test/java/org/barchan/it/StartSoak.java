package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.barchan.it.HostProcess.Kind;

/**
 * Many starts: a hundred sandboxes in one go, all of them alive at the same time; then sixteen at a time, for as many runs as wished. Each result has
 * to be right, nothing may be left, and the agent may not grow.
 *
 * <p>Argument: how many runs follow the hundred, 1000 if none is given.
 */
public final class StartSoak {
    private static final int ALIVE = 100;
    /** What one may take with its QEMU: a machine with less memory has fewer alive. */
    private static final long KIBIBYTES_EACH = 200 * 1024;

    private static final int AT_ONCE = 16;
    private static final int EACH_ROUND = 100;

    private final Barchan barchan;

    private StartSoak(Barchan barchan) {
        this.barchan = barchan;
    }

    /** Soaks, prints what came of it, and ends with status 1 if anything was wrong, with 2 if the argument is. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length > 0 && !arguments[0].matches("[1-9][0-9]{0,6}")) {
            System.err.println("soak: runs '" + arguments[0] + "' (expected: a whole number from 1 on)");
            System.exit(2);
        }
        int runs = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1000;
        Path parent = Installation.makeParent();
        Barchan barchan = Barchan.in(Installation.in(parent, "r"), true);
        boolean right = false;
        try {
            new StartSoak(barchan).run(runs);
            right = true;
        } catch (AssertionError | ExecutionException e) {
            System.out.println("soak: " + e + "\n" + barchan.installation().agentLog());
        } finally {
            barchan.end();
            Barchan.deleteTree(parent);
        }
        System.out.println(right ? "soak: passed" : "soak: FAILED");
        System.exit(right ? 0 : 1);
    }

    private void run(int runs) throws IOException, InterruptedException, ExecutionException {
        barchan.call("template", "build").expect(0);
        barchan.call("run", "--", "true").expect(0);
        barchan.awaitNoSandbox();
        Inventory clean = barchan.inventory().withoutProcesses();
        haveManyAlive();
        assertNothingLeft(clean);
        Footprint first = Footprint.of(barchan.agent());
        System.out.println("soak: the agent after that: " + first);
        for (int done = 0; done < runs; done += EACH_ROUND) {
            sustain(done, Math.min(EACH_ROUND, runs - done));
            assertNothingLeft(clean);
            Footprint now = Footprint.of(barchan.agent());
            System.out.printf(
                    "soak: %d of %d runs, %d at a time; the agent: %s%n", done + EACH_ROUND, runs, AT_ONCE, now);
            now.assertNotGrownSince(first);
        }
    }

    private void haveManyAlive() throws IOException {
        int count = (int) Math.min(ALIVE, available() / KIBIBYTES_EACH);
        if (count < ALIVE) {
            System.out.println("soak: NOT " + ALIVE + " at once: there is memory for " + count + " only");
        }
        List<Running> all = new ArrayList<>();
        try {
            long before = available();
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                String script = "echo up " + i + "; read line; echo \"$line\"; exit " + i;
                all.add(Barchan.launch(barchan.builder("run", "--", "sh", "-c", script)));
            }
            for (int i = 0; i < count; i++) {
                all.get(i).awaitOut("up " + i + "\n");
            }
            System.out.printf(
                    "soak: %d sandboxes alive %.1f s after the first was asked for; each adds %.0f MiB: %s%n",
                    count, (System.nanoTime() - start) / 1e9, (before - available()) / 1024.0 / count, shares(count));
            for (int i = 0; i < count; i++) {
                Result result = all.get(i).write("mine " + i + "\n").result().expect(i);
                assertEquals("up " + i + "\nmine " + i + "\n", result.out());
            }
        } finally {
            all.forEach(Running::close);
        }
    }

    /** Returns what the processes of a sandbox hold, pages that several have divided among them. */
    private String shares(int count) {
        long machines = 0;
        long others = 0;
        for (HostProcess process : HostProcess.of(barchan.installation().directories())) {
            if (process.kind() == Kind.QEMU) {
                machines += process.proportionalKibibytes();
            } else if (process.kind() == Kind.OTHER) {
                others += process.proportionalKibibytes();
            }
        }
        return "QEMU %.0f MiB, server and client %.0f MiB"
                .formatted(machines / 1024.0 / count, others / 1024.0 / count);
    }

    private void sustain(int first, int count) throws InterruptedException, ExecutionException {
        Semaphore turns = new Semaphore(AT_ONCE);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> ends = new ArrayList<>();
            for (int i = first; i < first + count; i++) {
                int number = i;
                ends.add(threads.submit(() -> {
                    turns.acquire();
                    try {
                        String script = "echo " + number + "; echo err " + number + " >&2; exit " + number % 100;
                        Result result =
                                barchan.call("run", "--", "sh", "-c", script).expect(number % 100);
                        assertEquals(number + "\n", result.out());
                        // What Barchan itself says comes before.
                        assertTrue(result.err().endsWith("err " + number + "\n"), result::toString);
                    } finally {
                        turns.release();
                    }
                    return number;
                }));
            }
            for (Future<?> end : ends) {
                end.get();
            }
        }
    }

    private void assertNothingLeft(Inventory clean) {
        barchan.awaitNoSandbox();
        clean.awaitSame(barchan.installation(), Barchan.CLEANED, Inventory::withoutProcesses);
        List<HostProcess> left = HostProcess.of(barchan.installation().directories());
        assertEquals(List.of(Kind.AGENT), left.stream().map(HostProcess::kind).toList(), left::toString);
    }

    /** Returns what memory processes can have, in KiB. */
    private static long available() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"), StandardCharsets.US_ASCII)) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
        }
    }
}
