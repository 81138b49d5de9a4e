package org.barchan.cli;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.client.AttachSpec;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Sandbox;
import org.barchan.client.SandboxProcess;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan attach}. */
@Command(
        name = "attach",
        sortOptions = false,
        description = {
            "Join a command that was started with --keep or --detach: what it writes from now on is printed, and what is typed or piped"
                    + " here is its input, as if it had been started here.",
            "Any number can join; the one that came last has the input. The command runs on when this process goes."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0-255:The command's own, if it has exited; 0, if it was left to itself by --detach-keys.",
            "125:Barchan failed; standard error says at what.",
            "128+N:The command was ended by signal N, or this process was."
        },
        footer = {"", "The end of the input here is the end of the command's, unless it is left open by --no-stdin."})
final class AttachVerb implements Callable<Integer> {
    @Option(names = "--no-stdin", description = "Only print: the command gets no input from here, nor its end.")
    private boolean noStdin;

    @Option(
            names = "--detach-keys",
            paramLabel = "KEYS",
            description =
                    "With a terminal: the keys that leave the command to itself, with commas between them, each a character or ctrl- and a character."
                            + " By default " + KeepOptions.DEFAULT_DETACH_KEYS + "; empty: none.")
    private String detachKeys = KeepOptions.DEFAULT_DETACH_KEYS;

    @Option(
            names = "--sig-proxy",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description =
                    "Pass on SIGINT, SIGTERM and SIGQUIT to the command (the default); with =false, and at a second SIGINT, they end this process alone,"
                            + " as SIGHUP does.")
    private boolean sigProxy = true;

    @Mixin
    final HelpOption help = new HelpOption();

    @Parameters(paramLabel = "NAME", description = ProcessNames.DESCRIPTION)
    private String name = "";

    private static Optional<Sandbox.Command> command(List<SandboxProcess> processes, String id) {
        return processes.stream()
                .filter(process -> process.id().equals(id))
                .findFirst()
                .map(SandboxProcess::command);
    }

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        DetachKeys keys = DetachKeys.parse(detachKeys);
        AttachSpec spec = noStdin
                ? new AttachSpec(AttachSpec.NOW.stdoutOffset(), AttachSpec.NOW.stderrOffset(), true)
                : AttachSpec.NOW;
        int slash = name.indexOf('/');
        Sandbox sandbox;
        Optional<Sandbox.Command> command;
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            sandbox = client.get(slash < 0 ? name : name.substring(0, slash));
            command =
                    slash < 0 ? sandbox.command() : command(client.processes(sandbox.id()), name.substring(slash + 1));
        }
        // By its id: it may have ended by then, and another have its name.
        return RunSession.attach(
                        caller,
                        command,
                        (client, listener) ->
                                client.attach(sandbox.id() + (slash < 0 ? "" : name.substring(slash)), spec, listener),
                        keys,
                        noStdin,
                        sigProxy)
                .run();
    }
}
