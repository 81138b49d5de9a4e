package org.barchan.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** How long one more command takes in a sandbox that runs. */
final class ExecBench {
    private static final String NAME = "bench-exec";
    private static final int WARM_UP = 20;
    /** So many that the shell's own start does not count. */
    private static final int LOOP = 100;

    private final Bench bench;
    private final Path work;

    ExecBench(Bench bench, Path work) {
        this.bench = bench;
        this.work = work;
    }

    /** Measures and prints. */
    void measure(int rounds) throws IOException, InterruptedException {
        Optional<ContainerPeer> peer = ContainerPeer.start(work);
        try (KeptSandbox sandbox = new KeptSandbox(bench, bench.agentSocket(), NAME, "sleep", "infinity")) {
            measure(rounds, sandbox, peer);
        } finally {
            if (peer.isPresent()) {
                peer.get().close();
            }
        }
    }

    private void measure(int rounds, KeptSandbox sandbox, Optional<ContainerPeer> peer)
            throws IOException, InterruptedException {
        List<Double> shell = new ArrayList<>();
        List<Double> library = new ArrayList<>();
        List<Double> call = new ArrayList<>();
        List<Double> command = new ArrayList<>();
        List<Double> container = new ArrayList<>();
        for (int i = -WARM_UP; i < rounds; i++) {
            double limit = i < 0 ? 0 : shell();
            long start = System.nanoTime();
            var _ = sandbox.exec("/bin/true").await();
            double called = (System.nanoTime() - start) / 1e6;
            Timeline timeline = exec();
            if (i >= 0) {
                shell.add(limit);
                library.add(called);
                call.add(timeline.at("agent: ended") - timeline.at("called"));
                command.add(timeline.end());
                if (peer.isPresent()) {
                    container.add(peer.get().exec());
                }
            }
        }
        Table.beginQuantiles();
        Table.quantiles("limit: a shell in the sandbox runs `/bin/true`", "ms", shell, null);
        Table.quantiles(
                "call of the client library that runs `/bin/true` in the sandbox, to its end", "ms", library, shell);
        Table.quantiles("the same by the CLI: its call of the agent", "ms", call, shell);
        Table.quantiles("exec of the CLI, to its end", "ms", command, shell);
        if (peer.isPresent()) {
            Table.quantiles(
                    "`" + peer.get().runtime() + " exec` of a container without a virtual machine",
                    "ms",
                    container,
                    null);
            Table.quantiles("exec of the CLI, to its end, beside that", "ms", command, container);
        }
    }

    private double shell() throws IOException, InterruptedException {
        String script = "a=$(date +%s%N); i=0; while [ $i -lt " + LOOP + " ]; do /bin/true; i=$((i+1)); done;"
                + " b=$(date +%s%N); echo $((b-a))";
        Process process = bench.barchan("exec", NAME, "--", "sh", "-c", script).start();
        try (BufferedReader said = process.inputReader()) {
            String nanos = said.readLine();
            if (process.waitFor() != 0 || nanos == null) {
                throw new IOException("barchan exec: exit status " + process.exitValue());
            }
            return Long.parseLong(nanos) / 1e6 / LOOP;
        }
    }

    private Timeline exec() throws IOException, InterruptedException {
        Path said = work.resolve("timing");
        int status = bench.barchan("exec", "--timing", NAME, "--", "/bin/true")
                .redirectError(said.toFile())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("barchan exec --timing: exit status " + status);
        }
        return Timeline.parse("exec", Files.readAllLines(said));
    }
}
