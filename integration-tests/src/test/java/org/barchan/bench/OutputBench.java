package org.barchan.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How fast output flows of one process of a sandbox, and of many at once. */
final class OutputBench {
    private static final int MANY = 50;
    private static final int MEBIBYTES = 500;
    private static final int PIECES_OF_MEBIBYTE = 16;

    private final Bench bench;
    private final Path agentSocket;

    OutputBench(Bench bench, Path agentSocket) {
        this.bench = bench;
        this.agentSocket = agentSocket;
    }

    /** Measures and prints. */
    void measure(int rounds) throws IOException, InterruptedException {
        List<Double> one = new ArrayList<>();
        List<Double> many = new ArrayList<>();
        try (KeptSandbox sandbox = new KeptSandbox(bench, agentSocket, "bench-output", "sleep", "infinity")) {
            for (int i = -1; i < rounds; i++) {
                double alone = flow(sandbox, 1);
                double together = flow(sandbox, MANY);
                if (i >= 0) {
                    one.add(alone);
                    many.add(together);
                }
            }
        }
        Table.begin("ratio to its floor");
        Table.row("standard output of one process, " + MEBIBYTES + " MiB, by the client library", "MiB/s", one, null);
        Table.row("of " + MANY + " processes at once, as much together", "MiB/s", many, one);
    }

    /** Returns MiB/s. */
    private static double flow(KeptSandbox sandbox, int processes) throws IOException, InterruptedException {
        long start = System.nanoTime();
        List<KeptSandbox.Started> all = new ArrayList<>();
        for (int i = 0; i < processes; i++) {
            all.add(sandbox.exec(
                    "dd",
                    "if=/dev/zero",
                    "bs=64K",
                    "count=" + MEBIBYTES / processes * PIECES_OF_MEBIBYTE,
                    "status=none"));
        }
        long bytes = 0;
        for (KeptSandbox.Started process : all) {
            bytes += process.await();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (bytes != (long) MEBIBYTES << 20) {
            throw new IOException("of " + MEBIBYTES + " MiB, " + bytes + " bytes have come");
        }
        return MEBIBYTES / seconds;
    }
}
