package org.barchan.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan exec}. */
@Command(
        name = "exec",
        sortOptions = false,
        customSynopsis = "barchan exec [OPTIONS] NAME [--] COMMAND [ARGUMENT...]",
        description = "Run one more command in a sandbox that is there.",
        exitCodeListHeading = ExitStatus.HEADING,
        footer = {
            "",
            "The command ends with the sandbox, which ends with the command that it was made for.",
            "Environment, signals and JSON are as with 'barchan run'."
        })
final class ExecVerb implements Callable<Integer> {
    @Mixin
    private final ProcessOptions process = new ProcessOptions();

    @Mixin
    private final OutputOption output = new OutputOption();

    @Option(names = "--timing", description = "Say on standard error, at the end, when what of it was done.")
    private boolean timing;

    @Mixin
    final HelpOption help = new HelpOption();

    @Parameters(index = "0", paramLabel = "NAME", description = "Name or id of a sandbox.")
    private String name = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND", arity = "0..*", hidden = true)
    private List<String> command = new ArrayList<>();

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        List<String> words =
                command.isEmpty() || !command.getFirst().equals("--") ? command : command.subList(1, command.size());
        if (words.isEmpty() || words.getFirst().isEmpty()) {
            throw new IllegalArgumentException("no command to run; for example: barchan exec -t " + name + " -- sh");
        }
        Commands.checkTerminal(process, output);
        ProcessSpec spec = Commands.spec(caller, new UserDatabase(Path.of("/etc")), process, words);
        Timing times = new Timing();
        int status = new RunSession(
                        caller,
                        spec,
                        (client, listener) -> {
                            times.mark("connected to the agent");
                            return times.begin(client.exec(name, spec, listener));
                        },
                        output.json(),
                        false,
                        Optional.empty(),
                        Optional.empty(),
                        RunSession.Input.PASSED,
                        false,
                        DetachKeys.none(),
                        times)
                .run();
        if (timing) {
            times.print();
        }
        return status;
    }
}
