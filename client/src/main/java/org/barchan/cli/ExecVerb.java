package org.barchan.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.cli.option.NameConverter;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.client.BarchanException;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.ExecSpec;
import org.barchan.client.KeepSpec;
import org.barchan.client.ProcessSpec;
import org.jspecify.annotations.Nullable;
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
            "The command ends with the sandbox, which ends with the command that it was made for. Its client can be outlived in a sandbox that was itself",
            "started with --keep or --detach.",
            "Environment, signals and JSON are as with 'barchan run'."
        })
final class ExecVerb implements Callable<Integer> {
    @Mixin
    private final ProcessOptions process = new ProcessOptions();

    @Option(
            names = "--name",
            paramLabel = "PROCESS",
            converter = NameConverter.class,
            description =
                    "With --keep or --detach: what the command is called: NAME/PROCESS then stands for it. The same order with the same name joins the"
                            + " command, if it is kept, instead of running it again. By default one is chosen.")
    private @Nullable String processName;

    @Mixin
    private final KeepOptions keep = new KeepOptions();

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
        keep.check();
        Optional<KeepSpec> kept = keep.toSpec(process.tty());
        if (processName != null && kept.isEmpty()) {
            throw new IllegalArgumentException(
                    "option '--name' without --keep or --detach: nothing is kept then (expected: one of them)");
        }
        if (!keep.detach()) {
            Commands.checkTerminal(process, output);
        }
        ProcessSpec spec = Commands.spec(caller, new UserDatabase(Path.of("/etc")), process, words);
        ExecSpec order = new ExecSpec(
                spec,
                kept.isPresent() ? ClientLostPolicy.KEEP : ClientLostPolicy.DELETE,
                kept.orElse(KeepSpec.DEFAULT),
                Optional.ofNullable(processName));
        Timing times = new Timing();
        int status = RunSession.exec(
                        caller,
                        spec,
                        (client, listener) -> {
                            times.mark("connected to the agent");
                            return times.begin(client.exec(name, order, listener));
                        },
                        output.json(),
                        keep.detach() ? RunSession.Input.LEFT : RunSession.Input.PASSED,
                        keep.isKept(),
                        keep.isKept() ? DetachKeys.parse(keep.detachKeys()) : DetachKeys.none(),
                        times)
                .run();
        if (timing) {
            times.print();
        }
        return status;
    }
}
