package org.barchan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.SandboxState;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan rm}. */
@Command(
        name = "rm",
        description =
                "Remove what is kept of sandboxes that have ended, or were created and not started; with --force, also end those that have not, as 'barchan delete' does.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:None of them is left.",
            "125:One of them could not be removed, as standard error says; the others are removed."
        })
final class RmVerb implements Callable<Integer> {
    @Option(
            names = {"-f", "--force"},
            description = "End a sandbox that has not ended.")
    private boolean force;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Name or id of a sandbox.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        return EachSandbox.of(names, this::remove);
    }

    private void remove(BarchanClient client, String name) throws BarchanException {
        SandboxState state = client.get(name).state();
        if (!force
                && (state == SandboxState.STARTING || state == SandboxState.RUNNING || state == SandboxState.PAUSED)) {
            throw new BarchanException(
                    BarchanException.Code.PRECONDITION,
                    "removing the sandbox " + name + ": it is " + JsonReport.lower(state)
                            + ". Stop it first (barchan stop), or give --force");
        }
        client.delete(name);
    }
}
