package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.barchan.cli.option.FilterOptions;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Sandbox;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxProcess;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan list}. */
@Command(
        name = "list",
        aliases = "ps",
        description = "List the sandboxes, the oldest first.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "JSON: {sandboxes: [...]}, each as 'barchan run --help' describes it; with NAME, {processes: [...]}, each as",
            "'barchan inspect --help' does."
        })
final class ListVerb implements Callable<Integer> {
    private static final int MAX_COMMAND = 40;

    @Option(
            names = {"-a", "--all"},
            description =
                    "Also those that have ended and of which something is kept, and those that were created and not started: see barchan-logs(1),"
                            + " barchan-create(1).")
    private boolean all;

    @Mixin
    private final FilterOptions filter = new FilterOptions();

    @Option(
            names = {"-q", "--quiet"},
            description = "Print the ids alone, one on each line.")
    private boolean quiet;

    @Parameters(
            paramLabel = "NAME",
            arity = "0..1",
            description =
                    "Name or id of a sandbox: list its commands instead, also those that have ended and are kept.")
    private @Nullable String name;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        if (quiet && output.json()) {
            throw new IllegalArgumentException("option '--quiet' with --output json (expected: not both)");
        }
        if (name != null && filter.isGiven()) {
            throw new IllegalArgumentException(
                    "option '--filter' with NAME, whose commands are listed (expected: not both)");
        }
        SandboxFilter wanted = filter.toFilter(all);
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            if (name != null) {
                List<SandboxProcess> processes = client.processes(name);
                Messages.result(
                        quiet
                                ? lines(processes.stream().map(SandboxProcess::id))
                                : output.json() ? processesJson(processes) : processesText(processes));
                return ExitStatus.OK;
            }
            List<Sandbox> sandboxes = client.list(wanted);
            Messages.result(
                    quiet
                            ? lines(sandboxes.stream().map(Sandbox::id))
                            : output.json() ? json(sandboxes) : text(sandboxes));
        }
        return ExitStatus.OK;
    }

    private static String lines(Stream<String> ids) {
        return ids.map(id -> id + "\n").collect(Collectors.joining());
    }

    private static String json(List<Sandbox> sandboxes) {
        JsonArray all = new JsonArray();
        sandboxes.forEach(sandbox -> all.add(JsonReport.json(sandbox)));
        JsonObject json = new JsonObject();
        json.add("sandboxes", all);
        return json + "\n";
    }

    private static String text(List<Sandbox> sandboxes) {
        StringBuilder text = new StringBuilder(row("NAME", "ID", "STATE", "ACCEL", "CREATED", "COMMAND"));
        for (Sandbox sandbox : sandboxes) {
            text.append(row(
                    sandbox.name(),
                    sandbox.id(),
                    state(sandbox),
                    JsonReport.lower(sandbox.accelerator()),
                    sandbox.createTime().truncatedTo(ChronoUnit.SECONDS).toString(),
                    sandbox.command().map(ListVerb::command).orElse("")));
        }
        return text.toString();
    }

    private static String processesJson(List<SandboxProcess> processes) {
        JsonArray all = new JsonArray();
        processes.forEach(process -> all.add(JsonReport.json(process)));
        JsonObject json = new JsonObject();
        json.add("processes", all);
        return json + "\n";
    }

    private static String processesText(List<SandboxProcess> processes) {
        StringBuilder text = new StringBuilder(processRow("PROCESS", "STATE", "CREATED", "COMMAND"));
        for (SandboxProcess process : processes) {
            text.append(processRow(
                    process.id(),
                    state(process.end()).orElse("running"),
                    process.createTime().truncatedTo(ChronoUnit.SECONDS).toString(),
                    command(process.command())));
        }
        return text.toString();
    }

    private static String processRow(String id, String state, String created, String command) {
        return String.format("%-20s %-9s %-20s %s%n", id, state, created, command);
    }

    private static Optional<String> state(Optional<Sandbox.End> end) {
        return end.map(how -> "ended " + ExitStatus.of(how.termination()));
    }

    private static String state(Sandbox sandbox) {
        return state(sandbox.end()).orElseGet(() -> JsonReport.lower(sandbox.state()));
    }

    /** In one line, however it is written, and not all of a long one. */
    private static String command(Sandbox.Command command) {
        String line = String.join(" ", command.words()).replaceAll("\\p{Cntrl}", " ");
        return line.codePointCount(0, line.length()) <= MAX_COMMAND
                ? line
                : line.substring(0, line.offsetByCodePoints(0, MAX_COMMAND - 1)) + "\u2026";
    }

    private static String row(
            String name, String id, String state, String accelerator, String created, String command) {
        return String.format("%-20s %-15s %-9s %-6s %-20s %s%n", name, id, state, accelerator, created, command);
    }
}
