package org.barchan.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.DurationConverter;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.SignalConverter;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan stop}. */
@Command(
        name = "stop",
        description = {
            "End sandboxes in order: by a signal to the command of each, and as 'barchan delete' if that has not ended in time.",
            "Returns when nothing of them is left but what is kept of those started with --keep or --detach."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:None of them is left.",
            "125:One of them could not be stopped, as standard error says; the others are."
        })
final class StopVerb implements Callable<Integer> {
    @Option(
            names = {"-t", "--timeout"},
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description =
                    "How long a command may take to end: seconds, or with the unit s, m, h or d, at most a day; 0 for none. By default 10.")
    private Duration timeout = Duration.ofSeconds(10);

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            converter = SignalConverter.class,
            completionCandidates = SignalConverter.class,
            description = "Name or number of the signal. By default TERM.")
    private int signal = Signals.SIGTERM;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Name or id of a sandbox.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        return EachSandbox.of(names, (client, name) -> {
            if (!client.stop(name, signal, timeout)) {
                Messages.warning(name + ": its command did not end in time, and was ended with its sandbox");
            }
        });
    }
}
