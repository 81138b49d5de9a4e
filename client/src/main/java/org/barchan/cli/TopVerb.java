package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan top}. */
@Command(
        name = "top",
        description = "List the processes that run in a sandbox, once.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "JSON: {processes: [{pid, parentPid, uid, state: running|sleeping|uninterruptible|stopped|zombie|idle|unknown,",
            "cpuSeconds, elapsedSeconds, residentBytes, virtualBytes, threads, nice, name, command}], truncated}."
        })
final class TopVerb implements Callable<Integer> {
    private static final double NANOS_PER_SECOND = 1e9;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Parameters(paramLabel = "NAME", description = "Name or id of a sandbox.")
    private String name = "";

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            ProcessTable table = client.processTable(name);
            Messages.result(output.json() ? json(table) + "\n" : text(table));
            if (table.truncated() && !output.json()) {
                Messages.warning("there are more processes than the "
                        + table.entries().size() + " of the lowest numbers, which alone are listed");
            }
        }
        return ExitStatus.OK;
    }

    static JsonObject json(ProcessTable table) {
        JsonArray processes = new JsonArray();
        for (ProcessTable.Entry process : table.entries()) {
            JsonObject one = new JsonObject();
            one.addProperty("pid", process.pid());
            one.addProperty("parentPid", process.parentPid());
            one.addProperty("uid", process.uid());
            one.addProperty("state", JsonReport.lower(process.state()));
            one.addProperty("cpuSeconds", process.cpu().toNanos() / NANOS_PER_SECOND);
            one.addProperty("elapsedSeconds", elapsed(table, process).toNanos() / NANOS_PER_SECOND);
            one.addProperty("residentBytes", process.residentBytes());
            one.addProperty("virtualBytes", process.virtualBytes());
            one.addProperty("threads", process.threads());
            one.addProperty("nice", process.nice());
            one.addProperty("name", process.name());
            JsonArray command = new JsonArray();
            process.command().forEach(command::add);
            one.add("command", command);
            processes.add(one);
        }
        JsonObject json = new JsonObject();
        json.add("processes", processes);
        json.addProperty("truncated", table.truncated());
        return json;
    }

    static String text(ProcessTable table) {
        StringBuilder text =
                new StringBuilder(row("UID", "PID", "PPID", "S", "NI", "%CPU", "RSS", "ELAPSED", "TIME", "COMMAND"));
        for (ProcessTable.Entry process : table.entries()) {
            Duration elapsed = elapsed(table, process);
            text.append(row(
                    Long.toString(process.uid()),
                    Integer.toString(process.pid()),
                    Integer.toString(process.parentPid()),
                    letter(process.state()),
                    Integer.toString(process.nice()),
                    String.format(Locale.ROOT, "%.1f", cpuPercent(process, elapsed)),
                    StatsReport.size(process.residentBytes()),
                    time(elapsed),
                    time(process.cpu()),
                    command(process)));
        }
        return text.toString();
    }

    private static Duration elapsed(ProcessTable table, ProcessTable.Entry process) {
        Duration elapsed = table.uptime().minus(process.start());
        return elapsed.isNegative() ? Duration.ZERO : elapsed;
    }

    /** Over its whole life, as ps(1) has it. */
    private static double cpuPercent(ProcessTable.Entry process, Duration elapsed) {
        return elapsed.isZero() ? 0 : 100.0 * process.cpu().toNanos() / elapsed.toNanos();
    }

    private static String letter(ProcessTable.State state) {
        return switch (state) {
            case RUNNING -> "R";
            case SLEEPING -> "S";
            case UNINTERRUPTIBLE -> "D";
            case STOPPED -> "T";
            case ZOMBIE -> "Z";
            case IDLE -> "I";
            case UNKNOWN -> "?";
        };
    }

    /** As ps(1) has it: [[days-]hours:]minutes:seconds. */
    private static String time(Duration time) {
        String days = time.toDays() > 0 ? time.toDays() + "-" : "";
        String hours = time.toHours() > 0 ? String.format("%02d:", time.toHoursPart()) : "";
        return days + hours + String.format("%02d:%02d", time.toMinutesPart(), time.toSecondsPart());
    }

    /** In one line, however it is written; of one that has none, such as a zombie, its name. */
    private static String command(ProcessTable.Entry process) {
        String words = process.command().isEmpty() ? "[" + process.name() + "]" : String.join(" ", process.command());
        return words.replaceAll("\\p{Cntrl}", " ");
    }

    private static String row(String... cells) {
        return String.format("%-6s %-6s %-6s %-1s %-3s %-5s %-8s %-11s %-8s %s", (Object[]) cells)
                        .stripTrailing()
                + "\n";
    }
}
