package org.barchan.cli;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.cli.option.PublishOptions;
import org.barchan.cli.option.SandboxOptions;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.RunSpec;
import org.barchan.client.Sandbox;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan create}. */
@Command(
        name = "create",
        sortOptions = false,
        customSynopsis = "barchan create [OPTIONS] [--] COMMAND [ARGUMENT...]",
        description = {
            "Keep what 'barchan run --detach' would run, print what other verbs name it by, and start nothing: 'barchan start' does that.",
            "The environment and the working directory are those of now; what it needs of the host is looked for when it is started."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "It is kept anyway: --keep and --detach say nothing more, so that a file for 'barchan run' does here, too.",
            "JSON: {sandbox: {...}}, as 'barchan run --help' describes it."
        })
final class CreateVerb implements Callable<Integer> {
    @Mixin
    private final SandboxOptions sandbox = new SandboxOptions();

    @Mixin
    private final ProcessOptions process = new ProcessOptions();

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description =
                    "A file, or - for standard input, with options and command, as with 'barchan run'. See barchan-spec(1).")
    @SuppressWarnings("UnusedVariable") // whoever parses the command line reads it
    private @Nullable String file;

    @Mixin
    private final KeepOptions keep = new KeepOptions();

    @Mixin
    private final PublishOptions publish = new PublishOptions();

    @Option(
            names = "--no-template",
            description =
                    "Boot the guest, also where there is a template that it could go on from, and have none made: see barchan-template(1).")
    private boolean noTemplate;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Option(
            names = {"-d", "--debug"},
            description = "Have the guest's kernel and init say more: 'barchan start --attach' shows it.")
    private boolean debug;

    @Mixin
    final HelpOption help = new HelpOption();

    @Parameters(paramLabel = "COMMAND", arity = "0..*", hidden = true)
    private List<String> command = new ArrayList<>();

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        RunSpec spec = spec(caller, new UserDatabase(Path.of("/etc")));
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            Sandbox made = client.create(spec);
            if (output.json()) {
                JsonObject json = new JsonObject();
                json.add("sandbox", JsonReport.json(made));
                Messages.result(json + "\n");
            } else {
                Messages.result(made.id() + "\n");
            }
        }
        return ExitStatus.OK;
    }

    private RunSpec spec(Caller caller, UserDatabase users) throws BarchanException {
        if (command.isEmpty() || command.getFirst().isEmpty()) {
            throw new IllegalArgumentException("no command to run; for example: barchan create -- uname -a");
        }
        return new RunSpec(
                sandbox.toSpec(caller::absolute, debug, !noTemplate),
                Commands.spec(caller, users, process, command),
                ClientLostPolicy.KEEP,
                false,
                false,
                keep.toSpecOfCreated(process.tty()),
                publish.toSpec());
    }
}
