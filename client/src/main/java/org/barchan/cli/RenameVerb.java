package org.barchan.cli;

import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.NameConverter;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan rename}. */
@Command(
        name = "rename",
        description =
                "Give a sandbox another name, also one that has ended and is kept. The host name of its guest stays.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED})
final class RenameVerb implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "OLD", description = "Name or id of a sandbox.")
    private String old = "";

    @Parameters(
            index = "1",
            paramLabel = "NEW",
            converter = NameConverter.class,
            description =
                    "Its new name: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit. No live sandbox may have it.")
    private String newName = "";

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            var _ = client.rename(old, newName);
        }
        return ExitStatus.OK;
    }
}
