package org.barchan.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code barchan spec}. */
@Command(
        name = "spec",
        sortOptions = false,
        customSynopsis = "barchan spec [OPTIONS] [--] [COMMAND [ARGUMENT...]]",
        description = "Print what 'barchan run' with the same options and command would run, as a file for its --file.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "Nothing is started, and no agent needed. What the caller decides (environment, user, working",
            "directory, unless options say them) is decided when it is run. With --output json it is JSON,",
            "else YAML."
        })
final class SpecVerb implements Callable<Integer> {
    @Mixin
    private final RunVerb run = new RunVerb();

    @Option(names = "--schema", description = "Print the JSON Schema of such files instead, for editors.")
    private boolean schema;

    @Override
    public Integer call() throws BarchanException {
        if (schema) {
            Messages.result(SpecSchema.text());
            return ExitStatus.OK;
        }
        Caller caller = Caller.current();
        SpecDocument document = run.document(caller, new UserDatabase(Path.of("/etc")));
        Messages.result(run.json() ? document.json() : document.yaml());
        return ExitStatus.OK;
    }
}
