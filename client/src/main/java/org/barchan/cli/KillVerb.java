package org.barchan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.SignalConverter;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan kill}. */
@Command(
        name = "kill",
        aliases = "signal",
        description = "Send a signal to commands. A sandbox ends with the command that it was made for.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:It was sent to all of them.",
            "125:It could not be sent to one of them, as standard error says; it was to the others."
        })
final class KillVerb implements Callable<Integer> {
    private static final int SIGKILL = 9;

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            converter = SignalConverter.class,
            completionCandidates = SignalConverter.class,
            description = "Name or number of the signal. By default KILL.")
    private int signal = SIGKILL;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = ProcessNames.DESCRIPTION)
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        return EachSandbox.of(names, (client, name) -> client.signal(name, signal));
    }
}
