package org.barchan.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** How long a reader of a kept command's output waits when the agent is killed. */
final class ReattachBench {
    private static final String NAME = "bench-reattach";

    /** No pause of a stream that flows is as long, and each without an agent is longer. */
    private static final Duration PAUSE = Duration.ofMillis(300);

    private final Bench bench;

    ReattachBench(Bench bench) {
        this.bench = bench;
    }

    /** Measures and prints. */
    void measure(int rounds) throws IOException, InterruptedException {
        // A line each 10 ms.
        bench.call(
                "run",
                "--accel",
                "tcg",
                "--detach",
                "--name",
                NAME,
                "--",
                "sh",
                "-c",
                "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
        List<Double> seconds = new ArrayList<>();
        Process logs = bench.barchan("logs", "--follow", NAME).start();
        try (BufferedReader said = logs.inputReader()) {
            long last = next(said, 0);
            for (int i = 0; i < rounds; i++) {
                // It lags behind nothing by then.
                for (int line = 0; line < 100; line++) {
                    last = next(said, last);
                }
                long killed = System.nanoTime();
                bench.killAgent();
                // What was under way comes at once, and then nothing until there is an agent again.
                long before = killed;
                long now = killed;
                while (now - before < PAUSE.toNanos()) {
                    last = next(said, last);
                    before = now;
                    now = System.nanoTime();
                }
                seconds.add((now - killed) / 1e9);
            }
        } finally {
            logs.destroy();
            bench.call("delete", NAME);
        }
        Table.beginQuantiles();
        Table.quantiles("kill -9 of the agent, until `barchan logs --follow` has the next line", "s", seconds, null);
    }

    /** Returns the number of the next line; fails when it does not follow. */
    private static long next(BufferedReader said, long last) throws IOException {
        String line = said.readLine();
        long number = line == null ? -1 : Long.parseLong(line);
        if (number != last + 1) {
            throw new IOException("line " + line + " came after " + last);
        }
        return number;
    }
}
