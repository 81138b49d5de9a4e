package org.barchan.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.bench.BareGuest.Arrival;

/**
 * Prints the figures of SPECIFICATION.md. Each is taken beside its floor, in turn, so that the ratio holds on a machine whose pace
 * changes. Argument: the number of rounds, 7 if none.
 */
public final class Bench {
    static final int MEBIBYTES = 512;
    /** Enough for quantiles. */
    private static final int STARTS = 30;

    private static final int STREAM_PIECES = 8 * 1024;
    private static final long STREAM_BYTES = STREAM_PIECES * 65536L;
    /** What DomainXml asks for under emulation. */
    static final String SANDBOX_CPU = "max,erms=off,fsrm=off";

    static final String QEMU_CPU = "max";
    static final String QEMU_COMMAND_LINE = "console=ttyS0 quiet";
    private static final Pattern HELLO = Pattern.compile("init answered ([0-9.]+) ms after its start");
    private static final Pattern RESIDENT = Pattern.compile("init holds ([0-9]+) KiB");

    private final List<Timeline> timelines = new ArrayList<>();
    private final Path home = Path.of(System.getProperty("barchan.home")).toAbsolutePath();
    private final Path work;
    private final Path state;
    private final Path runtime;

    private Bench(Path work) throws IOException {
        this.work = work;
        this.state = Files.createDirectories(work.resolve("s"));
        this.runtime = work.resolve("r");
        for (Path directory : List.of(work, state)) {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /**
     * Measures and prints; fails when something could not be measured. Arguments: rounds, and "starts", "execs", "output", "reattach" or "mounts" for these alone.
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 7;
        Path work = Files.createTempDirectory(Path.of("/tmp"), "bb");
        try {
            Bench bench = new Bench(work);
            String only = arguments.length > 1 ? arguments[1] : "";
            BareGuest floor = bench.floor();
            if (only.isEmpty()) {
                bench.measure(rounds, floor);
            }
            int many = only.isEmpty() ? Math.max(STARTS, rounds) : rounds;
            if (only.isEmpty() || only.equals("starts")) {
                new StartBench(bench, work).measure(many, floor);
            }
            if (only.isEmpty() || only.equals("execs")) {
                new ExecBench(bench, work).measure(many);
            }
            if (only.isEmpty() || only.equals("output")) {
                new OutputBench(bench, bench.agentSocket()).measure(rounds);
            }
            if (only.isEmpty() || only.equals("reattach")) {
                new ReattachBench(bench).measure(rounds);
            }
            if (only.isEmpty() || only.equals("mounts")) {
                new MountBench(bench).measure(rounds);
            }
            bench.stopAgent();
            Path report = bench.home.resolve("target/bench/report.html");
            Report.write(report, Table.printed(), bench.timelines);
            System.err.println("bench: the same with pictures: " + report);
        } finally {
            try (var files = Files.walk(work)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /** Has the report show where the time of a run went. */
    void show(Timeline timeline) {
        timelines.add(timeline);
    }

    private BareGuest floor() throws IOException, InterruptedException {
        System.err.println("bench: the first run fills the caches");
        run("true");
        return BareGuest.build(home.resolve("integration-tests/src/test/c/floor-init.c"), work, state);
    }

    private void measure(int rounds, BareGuest floor) throws IOException, InterruptedException {
        String commandLine = commandLine();
        double firstAgent = agentResidentMebibytes();
        List<Double> agent = new ArrayList<>();
        List<Double> bare = new ArrayList<>();
        List<Double> untuned = new ArrayList<>();
        List<Double> untunedStream = new ArrayList<>();
        List<Double> warm = new ArrayList<>();
        List<Double> cold = new ArrayList<>();
        List<Double> whole = new ArrayList<>();
        List<Double> bareStream = new ArrayList<>();
        List<Double> stream = new ArrayList<>();
        List<Double> earlyFloor = new ArrayList<>();
        List<Double> earlyStream = new ArrayList<>();
        List<Double> leaving = new ArrayList<>();
        List<Double> hello = new ArrayList<>();
        List<Double> resident = new ArrayList<>();
        for (int i = 1; i <= rounds; i++) {
            System.err.println("bench: round " + i + " of " + rounds);
            bare.add(floor.run(1, MEBIBYTES, SANDBOX_CPU, commandLine).first());
            untuned.add(floor.run(1, MEBIBYTES, QEMU_CPU, QEMU_COMMAND_LINE).first());
            Arrival run = Arrival.of(barchan("run", "--accel", "tcg", "--", "echo"), 1);
            warm.add(run.first());
            leaving.add(1000 * (run.end() - run.first()));
            bareStream.add(
                    floor.run(STREAM_BYTES, MEBIBYTES, SANDBOX_CPU, commandLine).throughput());
            Arrival flow = floor.run(STREAM_BYTES, MEBIBYTES, QEMU_CPU, QEMU_COMMAND_LINE);
            untunedStream.add(flow.throughput());
            earlyFloor.add(flow.earlyThroughput());
            // In pieces of the floor's size.
            Arrival output = Arrival.of(
                    barchan(
                            "run",
                            "--accel",
                            "tcg",
                            "--",
                            "dd",
                            "if=/dev/zero",
                            "bs=64K",
                            "count=" + STREAM_PIECES,
                            "status=none"),
                    STREAM_BYTES);
            stream.add(output.throughput());
            earlyStream.add(output.earlyThroughput());
            String said = run("--debug", "--verbose", "true");
            hello.add(number(HELLO, said));
            resident.add(number(RESIDENT, said) / 1024);
            stopAgent();
            long start = System.nanoTime();
            cold.add(Arrival.of(barchan("run", "--accel", "tcg", "--", "echo"), 1)
                    .first());
            whole.add((System.nanoTime() - start) / 1e9);
            agent.add(agentResidentMebibytes());
        }
        stopAgent();
        Table.begin("ratio to its floor");
        Table.row("floor: bare QEMU, C init, first byte", "s", untuned, null);
        Table.row("the same with the sandbox's CPU and kernel command line", "s", bare, untuned);
        Table.row("cold start with an agent running: exec of the CLI to the first byte", "s", warm, untuned);
        Table.row("the same, to the floor with the sandbox's CPU and command line", "s", warm, bare);
        Table.row("cold start that starts the agent too", "s", cold, untuned);
        Table.row("the same, to the CLI's end", "s", whole, untuned);
        Table.row("the CLI's end after the first byte, which is the command's last", "ms", leaving, null);
        Table.row("floor: `cat` over a port of bare QEMU, 512 MiB", "MiB/s", untunedStream, null);
        Table.row("the same with the sandbox's CPU and kernel command line", "MiB/s", bareStream, untunedStream);
        Table.row("stdout throughput, 512 MiB", "MiB/s", stream, untunedStream);
        Table.row("the same, the first 64 MiB: while programs warm up", "MiB/s", earlyStream, earlyFloor);
        Table.row(
                "the same 512 MiB, to the floor with the sandbox's CPU and command line", "MiB/s", stream, bareStream);
        Table.row("guest init: exec to Hello answered", "ms", hello, null);
        Table.row("guest init: resident", "MiB", resident, null);
        Table.row("agent: resident, idle after a run", "MiB", agent, null);
        Table.row(
                "the first agent of a state directory, which asks QEMU for all that it can do",
                "MiB",
                List.of(firstAgent),
                null);
    }

    ProcessBuilder barchan(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(home.resolve("bin/barchan").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("BARCHAN_STATE_DIR", state.toString());
        builder.environment().put("BARCHAN_RUNTIME_DIR", runtime.toString());
        // What is measured boots; and one that is made in the background would take a processor from what is.
        builder.environment().put("BARCHAN_TEMPLATES", "off");
        return builder;
    }

    /** Runs {@code barchan} to its end; what it prints is left out. */
    void call(String... arguments) throws IOException, InterruptedException {
        int status = barchan(arguments)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("barchan " + List.of(arguments) + ": exit status " + status);
        }
    }

    Path agentSocket() {
        return runtime.resolve("agent.sock");
    }

    void killAgent() throws IOException {
        var _ = agent(runtime).destroyForcibly();
    }

    /** Runs a sandbox and returns what Barchan itself said on standard error. */
    private String run(String... optionsAndCommand) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("run", "--accel", "tcg", "--memory", MEBIBYTES + "M"));
        arguments.addAll(List.of(optionsAndCommand));
        Path said = work.resolve("said");
        int status = barchan(arguments.toArray(new String[0]))
                .redirectError(said.toFile())
                .start()
                .waitFor();
        String text = Files.readString(said, StandardCharsets.ISO_8859_1);
        if (status != 0) {
            throw new IOException("barchan " + arguments + ": exit status " + status + ": " + text);
        }
        return text;
    }

    /** Returns when nothing of a sandbox is left. */
    void awaitNoSandbox() throws IOException, InterruptedException {
        while (true) {
            Process list = barchan("list").start();
            list.getOutputStream().close();
            long lines;
            try (var output = list.inputReader()) {
                lines = output.lines().count();
            }
            if (list.waitFor() != 0) {
                throw new IOException("barchan list failed");
            }
            if (lines == 1) {
                return;
            }
        }
    }

    private static double number(Pattern pattern, String text) throws IOException {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            throw new IOException("nothing like '" + pattern + "' in: " + text);
        }
        return Double.parseDouble(matcher.group(1));
    }

    /** Returns what the guests' kernel is told, without what is for this sandbox alone. */
    private String commandLine() throws IOException, InterruptedException {
        Path said = work.resolve("cmdline");
        int status = barchan("run", "--accel", "tcg", "--", "cat", "/proc/cmdline")
                .redirectOutput(said.toFile())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("barchan run -- cat /proc/cmdline: exit status " + status);
        }
        return Files.readString(said).strip();
    }

    private static ProcessHandle agent(Path runtime) throws IOException {
        long pid =
                Long.parseLong(Files.readString(runtime.resolve("agent.lock")).replaceAll("(?s)\\s.*", ""));
        return ProcessHandle.of(pid).orElseThrow(() -> new IOException("no agent " + pid + " runs"));
    }

    private double agentResidentMebibytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + agent(runtime).pid() + "/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                        .findFirst()
                        .orElseThrow()
                / 1024.0;
    }

    private void stopAgent() throws IOException, InterruptedException {
        stopAgent(runtime);
    }

    static void stopAgent(Path runtime) throws IOException, InterruptedException {
        ProcessHandle agent = agent(runtime);
        agent.destroy();
        try {
            agent.onExit().get(30, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the agent " + agent.pid() + " does not end", e);
        }
    }
}
