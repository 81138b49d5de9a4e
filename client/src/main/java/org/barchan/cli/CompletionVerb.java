package org.barchan.cli;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanException;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan completion}. */
@Command(
        name = "completion",
        description = "Print a script that completes barchan's verbs and options in a shell.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {"", "bash: source <(barchan completion bash)    zsh: the same, after compinit"})
final class CompletionVerb implements Callable<Integer> {
    private static final List<String> SHELLS = List.of("bash", "zsh");

    @Parameters(paramLabel = "SHELL", description = "bash or zsh.", completionCandidates = Shells.class)
    private String shell = "";

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        if (!SHELLS.contains(shell)) {
            throw new IllegalArgumentException("no completion for '" + shell + "' (expected: bash or zsh)");
        }
        // One script serves both: in zsh it turns on bash's way of completing.
        Messages.result(AutoComplete.bash("barchan", RootCommand.create()));
        return ExitStatus.OK;
    }

    /** The values that are completed. */
    static final class Shells implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return SHELLS.iterator();
        }
    }
}
