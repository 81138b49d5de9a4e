package org.barchan.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.DurationConverter;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan stats}. */
@Command(
        name = "stats",
        description = {
            "Show what sandboxes take of this host and what goes on in them, again and again.",
            "Goes on until it is interrupted, or none of those that were named is left."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:Once, or until none of those that were named was left.",
            ExitStatus.FAILED,
            "130:It was interrupted."
        },
        footer = {
            "",
            "JSON: a line each time: {stats: [{id, name, state, time, cpuPercent, host: {cpuSeconds, residentBytes},",
            "hostProblem, guestCpuPercent, guest: {uptimeSeconds, cpu: {vcpus, userSeconds, systemSeconds, idleSeconds,",
            "iowaitSeconds, stealSeconds}, memory: {totalBytes, availableBytes, freeBytes, cachedBytes, sharedBytes},",
            "diskIo: {readBytes, writtenBytes, reads, writes}, processes}, guestProblem}]}; what is not known is absent."
        })
final class StatsVerb implements Callable<Integer> {
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofHours(1);

    @Option(
            names = "--no-stream",
            description = "Print it once, after one interval, since the use of CPUs is that in between, and end.")
    private boolean noStream;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description =
                    "How long from one time to the next: seconds, or with the unit s, m or h; 0.1 to 1h. By default 1.")
    private Duration interval = Duration.ofSeconds(1);

    @Mixin
    private final OutputOption output = new OutputOption();

    @Parameters(
            paramLabel = "NAME",
            arity = "0..*",
            description = "Name or id of a sandbox. By default all that run, at each time.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        if (interval.compareTo(SHORTEST) < 0 || interval.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("invalid value for option '--interval': " + interval.toMillis() / 1000.0
                    + " s (expected: 0.1 s to 1 h)");
        }
        StatsPrinter printer = new StatsPrinter(noStream, output.json());
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            client.watchStats(names, interval, printer);
        }
        printer.end();
        return ExitStatus.OK;
    }
}
