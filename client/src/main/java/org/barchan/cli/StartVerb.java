package org.barchan.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ProgressLevel;
import org.barchan.client.RunListener;
import org.barchan.client.Sandbox;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan start}. */
@Command(
        name = "start",
        sortOptions = false,
        description = {
            "Start sandboxes that 'barchan create' has kept, print the name of each when its command runs, and leave it to itself.",
            "One that could not be started can be started again; one that was is not started a second time."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:The commands run; with --attach, the command's own status 0, or it was left to itself.",
            "1-255:With --attach: the command's own, if it has exited.",
            "125:One of them could not be started, as standard error says; the others run.",
            "128+N:With --attach: the command was ended by signal N, or this process was."
        })
final class StartVerb implements Callable<Integer> {
    @Option(
            names = {"-a", "--attach"},
            description =
                    "Join the command's streams, from its first byte on, as 'barchan run --keep' does, and exit as it does. Of one sandbox.")
    private boolean attach;

    @Option(
            names = "--no-stdin",
            description = "With --attach: the command gets no input from here, but its end at once.")
    private boolean noStdin;

    @Option(
            names = "--detach-keys",
            paramLabel = "KEYS",
            description =
                    "With --attach and a terminal: the keys that leave the command to itself, as with barchan-attach(1). By default "
                            + KeepOptions.DEFAULT_DETACH_KEYS + ".")
    private @Nullable String detachKeys;

    @Option(
            names = {"-v", "--verbose"},
            description = "Say on standard error what is being done.")
    private boolean verbose;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Name or id of a sandbox.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        if (!attach && (noStdin || detachKeys != null)) {
            throw new IllegalArgumentException("option '" + (noStdin ? "--no-stdin" : "--detach-keys")
                    + "' without --attach: the command is left to itself then (expected: both)");
        }
        if (attach && names.size() > 1) {
            throw new IllegalArgumentException(
                    "option '--attach' with " + names.size() + " sandboxes (expected: one, whose streams are joined)");
        }
        return attach
                ? attach(DetachKeys.parse(detachKeys == null ? KeepOptions.DEFAULT_DETACH_KEYS : detachKeys))
                : EachSandbox.of(names, this::start);
    }

    private int attach(DetachKeys keys) throws BarchanException {
        Caller caller = Caller.current();
        Sandbox sandbox;
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            sandbox = client.get(names.getFirst());
        }
        return RunSession.created(
                        caller,
                        sandbox.command(),
                        (client, listener) -> client.startCreated(sandbox.id(), false, listener),
                        verbose,
                        noStdin ? RunSession.Input.ENDED : RunSession.Input.PASSED,
                        keys)
                .run();
    }

    private void start(BarchanClient client, String name) throws BarchanException {
        ProgressPrinter progress = new ProgressPrinter(verbose);
        RunListener listener = new RunListener() {
            @Override
            public void onProgress(ProgressLevel level, String message) {
                progress.print(level, message);
            }
        };
        try {
            Termination end = client.startCreated(name, true, listener).await();
            if (end.result() instanceof Termination.NotStarted notStarted) {
                throw new BarchanException(
                        BarchanException.Code.PRECONDITION, "starting " + name + ": " + notStarted.message());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BarchanException(BarchanException.Code.CANCELLED, "starting " + name + ": interrupted", e);
        } finally {
            progress.stop();
        }
        Messages.result(name + "\n");
    }
}
