package org.barchan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan wait}. */
@Command(
        name = "wait",
        description = {
            "Wait for the ends of commands, one after the other, and print for each the status that barchan run exits with.",
            "Of a command that has ended it is known as long as its sandbox is kept: see barchan-run(1), --keep and --detach."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:All of them have ended.",
            "125:It can't be said of one of them, as standard error says; it was of the others."
        })
final class WaitVerb implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", arity = "1..*", description = ProcessNames.DESCRIPTION)
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        return EachSandbox.of(names, (client, name) -> Messages.result(ExitStatus.of(client.await(name)) + "\n"));
    }
}
