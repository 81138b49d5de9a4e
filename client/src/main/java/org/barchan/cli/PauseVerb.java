package org.barchan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan pause}. */
@Command(
        name = "pause",
        description =
                "Have sandboxes stand still, with all that runs in them, until 'barchan resume'. Their memory stays where it is.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:All of them stand still.",
            "125:One of them could not be paused, as standard error says; the others are."
        })
final class PauseVerb implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Name or id of a sandbox.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        return EachSandbox.of(names, BarchanClient::pause);
    }
}
