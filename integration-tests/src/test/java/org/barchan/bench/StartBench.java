package org.barchan.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.bench.BareGuest.Arrival;

/** How soon a sandbox's command says something: booted, from a template, by a guest that has waited. */
final class StartBench {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final String WAITS = "waits for a sandbox: ";
    private static final String WAITS_NO_MORE = "waits no more";

    private final Bench bench;
    private final Path work;
    private final Site templates;
    private final Site pool;

    StartBench(Bench bench, Path work) throws IOException {
        this.bench = bench;
        this.work = work;
        this.templates = Site.below(work, "t", 0);
        this.pool = Site.below(work, "p", 1);
    }

    /** An agent of its own. */
    private record Site(Path state, Path runtime, int pool) {
        static Site below(Path work, String name, int pool) throws IOException {
            Path state = Files.createDirectories(work.resolve(name + "s"));
            return new Site(state, work.resolve(name + "r"), pool);
        }

        ProcessBuilder command(ProcessBuilder builder) {
            builder.environment().put("BARCHAN_STATE_DIR", state.toString());
            builder.environment().put("BARCHAN_RUNTIME_DIR", runtime.toString());
            builder.environment().put("BARCHAN_TEMPLATES", "on");
            builder.environment().put("BARCHAN_POOL", Integer.toString(pool));
            return builder;
        }

        private long logged(String text) throws IOException {
            return Files.readAllLines(state.resolve("log/agent.log"), StandardCharsets.ISO_8859_1).stream()
                    .filter(line -> line.contains(text))
                    .count();
        }
    }

    /** One way to start, and what was measured of it. */
    private record Way(String name, Site site, List<String> options, List<Double> first, List<Double> leaving) {
        Way(String name, Site site, String... options) {
            this(name, site, List.of(options), new ArrayList<>(), new ArrayList<>());
        }
    }

    /**
     * Measures and prints.
     *
     * @param floor run with QEMU's own CPU and a plain command line
     */
    void measure(int rounds, BareGuest floor) throws IOException, InterruptedException {
        List<Way> ways = List.of(
                new Way("boots", templates, "--no-template"),
                new Way("goes on from a template", templates),
                new Way("takes a guest that has waited", pool));
        List<Double> bare = new ArrayList<>();
        List<Double> restored = new ArrayList<>();
        try {
            for (Site site : List.of(templates, pool)) {
                start(new Way("", site));
            }
            BareRestore limit = BareRestore.of(awaitTemplate(templates), floor, work);
            for (int i = 1; i <= rounds; i++) {
                System.err.println("bench: starts, round " + i + " of " + rounds);
                awaitQuiet();
                bare.add(floor.run(1, Bench.MEBIBYTES, Bench.QEMU_CPU, Bench.QEMU_COMMAND_LINE)
                        .first());
                restored.add(limit.run());
                for (Way way : ways) {
                    Arrival arrival = start(way);
                    way.first().add(arrival.first());
                    way.leaving().add(1000 * (arrival.end() - arrival.first()));
                    awaitQuiet();
                }
            }
            for (Way way : ways) {
                bench.show(timeline(way));
                awaitQuiet();
            }
        } finally {
            for (Site site : List.of(templates, pool)) {
                Bench.stopAgent(site.runtime());
            }
        }
        Table.beginQuantiles();
        Table.quantiles("floor: bare QEMU, C init, first byte", "s", bare, null);
        Table.quantiles("limit: bare QEMU restores the same template, until its guest runs", "s", restored, bare);
        for (Way way : ways) {
            Table.quantiles("exec of the CLI to the first byte, " + way.name(), "s", way.first(), bare);
            Table.quantiles("from there to the CLI's end", "ms", way.leaving(), null);
        }
    }

    private Arrival start(Way way) throws IOException, InterruptedException {
        return Arrival.of(command(way, List.of()), 1);
    }

    private Timeline timeline(Way way) throws IOException, InterruptedException {
        Path said = work.resolve("timing");
        int status = command(way, List.of("--timing"))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(said.toFile())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("barchan run --timing: exit status " + status);
        }
        return Timeline.parse(way.name(), Files.readAllLines(said));
    }

    private ProcessBuilder command(Way way, List<String> options) {
        List<String> arguments = new ArrayList<>(List.of("run", "--accel", "tcg"));
        arguments.addAll(way.options());
        arguments.addAll(options);
        arguments.addAll(List.of("--", "echo"));
        return way.site().command(bench.barchan(arguments.toArray(String[]::new)));
    }

    /** Returns its file. */
    private static Path awaitTemplate(Site site) throws IOException, InterruptedException {
        Path directory = site.state().resolve("templates");
        await(() -> template(directory).isPresent());
        return template(directory).orElseThrow();
    }

    private static Optional<Path> template(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return Optional.empty();
        }
        try (var files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9a-f]{32}"))
                    .findFirst();
        }
    }

    /** Until sandboxes of earlier rounds are gone, and one guest waits again. */
    private void awaitQuiet() throws IOException, InterruptedException {
        for (Site site : List.of(templates, pool)) {
            await(() -> site.logged(": run '") == site.logged(": gone"));
        }
        await(() -> pool.logged(WAITS) == pool.logged(WAITS_NO_MORE) + 1);
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(Condition condition) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new IOException("an agent is not where it should be after " + PATIENCE);
            }
            Thread.sleep(PAUSE);
        }
    }
}
