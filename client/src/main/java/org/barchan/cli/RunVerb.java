package org.barchan.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.cli.option.PublishOptions;
import org.barchan.cli.option.SandboxOptions;
import org.barchan.client.BarchanException;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.KeepSpec;
import org.barchan.client.RunSpec;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan run}. */
@Command(
        name = "run",
        sortOptions = false,
        customSynopsis = "barchan run [OPTIONS] [--] COMMAND [ARGUMENT...]",
        description = "Run a command of the host in a virtual machine of its own, as if it ran here.",
        exitCodeListHeading = ExitStatus.HEADING,
        footer = {
            "",
            "The command is looked up along PATH inside the sandbox. Everything behind it belongs to it.",
            "Its environment is HOME, USER and LOGNAME of its user (yours, unless --user or --privileged says",
            "otherwise), your PATH, and your TERM, LANG, LC_* and TZ if set; then what --env says; nothing else.",
            "",
            "SIGINT, SIGTERM, SIGHUP and SIGQUIT go to the command; while the sandbox starts they end it.",
            "A second SIGINT deletes the sandbox. With --keep, SIGHUP leaves the command to itself. With --tty,",
            "keys that make signals make them in the sandbox.",
            "",
            "With --output json the command's output is not passed on but part of one object on standard output:",
            "  exitStatus   what barchan exits with",
            "  error        only if Barchan failed: {code, message, violations: [{field, description}]};",
            "               a wrong option is said on standard error alone",
            "  termination  {kind: exited|signalled|not_started|lost|detached, exitCode, signal, step, errno, message,",
            "               cause, outputAbandoned}, absent if there was none; members that don't apply are absent",
            "  stdout, stderr  {bytes, encoding: utf-8|base64, data, truncated}; at most 16 MiB of each are kept",
            "  sandbox      {id, name, state, accelerator, isolation, kernelRelease, createTime, bootId,",
            "               linkEpochs, clientLostPolicy, command, tty, labels: {KEY: VALUE},",
            "               maxLifetimeSeconds, idleTimeoutSeconds, termination, endTime}, absent if there was none",
            "  messages     [{level: verbose|info|warning, message}]",
            "  durations    seconds: {start, run, total}, each absent if it did not come to it"
        })
final class RunVerb implements Callable<Integer> {
    @Mixin
    private final SandboxOptions sandbox = new SandboxOptions();

    @Mixin
    private final ProcessOptions process = new ProcessOptions();

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description =
                    "A file, or - for standard input, with options as keys of YAML or JSON, and the command as the key command;"
                            + " what is given here counts before it. See barchan-spec(1).")
    @SuppressWarnings("UnusedVariable") // whoever parses the command line reads it
    private @Nullable String file;

    @Mixin
    private final KeepOptions keep = new KeepOptions();

    @Mixin
    private final PublishOptions publish = new PublishOptions();

    @Option(
            names = {"-l", "--shell"},
            description =
                    "Open a shell on your terminal beside the command, which gets no input; the sandbox is there until both have ended.")
    private boolean shell;

    @Option(
            names = "--export-changes",
            paramLabel = "FILE",
            description =
                    "When the command has ended, write what it has written to overlays to a tar archive: see barchan-diff(1).")
    private @Nullable String exportChanges;

    @Option(
            names = "--no-template",
            description =
                    "Boot the guest, also where there is a template that it could go on from, and have none made: see barchan-template(1).")
    private boolean noTemplate;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Option(
            names = {"-v", "--verbose"},
            description = "Say on standard error what is being done.")
    private boolean verbose;

    @Option(names = "--timing", description = "Say on standard error, at the end, when what of the run was done.")
    private boolean timing;

    @Option(
            names = {"-d", "--debug"},
            description = "Show what the guest's kernel and init say, on standard error.")
    private boolean debug;

    @Mixin
    final HelpOption help = new HelpOption();

    @Parameters(paramLabel = "COMMAND", arity = "0..*", hidden = true)
    private List<String> command = new ArrayList<>();

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        RunSpec spec = spec(caller, new UserDatabase(Path.of("/etc")));
        keep.check();
        if (spec.sandbox().idleTimeout().isPresent() && !keep.isKept()) {
            throw new IllegalArgumentException(
                    "option '--idle-timeout' without --keep or --detach: the sandbox is in use as long as it lives then (expected: one of them)");
        }
        if (exportChanges == null) {
            return run(caller, spec, Optional.empty());
        }
        if (exportChanges.isEmpty()) {
            throw new IllegalArgumentException("invalid value for option '--export-changes': empty (expected: a file)");
        }
        try (ArchiveFile archive = new ArchiveFile(Path.of(caller.absolute(exportChanges)))) {
            return run(caller, spec, Optional.of(archive));
        } catch (IOException e) {
            throw ArchiveFile.failure(exportChanges, e);
        }
    }

    private int run(Caller caller, RunSpec spec, Optional<ArchiveFile> archive) throws BarchanException {
        Timing times = new Timing();
        int status = new RunSession(
                        caller,
                        spec.process(),
                        (client, listener) -> {
                            times.mark("connected to the agent");
                            return times.begin(client.start(spec, listener));
                        },
                        output.json(),
                        verbose,
                        archive,
                        shell ? Optional.of(DebugShell.of(spec.process())) : Optional.empty(),
                        keep.detach()
                                ? RunSession.Input.LEFT
                                : shell ? RunSession.Input.ENDED : RunSession.Input.PASSED,
                        keep.isKept(),
                        keep.isKept() ? DetachKeys.parse(keep.detachKeys()) : DetachKeys.none(),
                        times)
                .run();
        if (timing) {
            times.print();
        }
        return status;
    }

    /** @throws IllegalArgumentException if the options contradict each other, or a value is wrong */
    RunSpec spec(Caller caller, UserDatabase users) throws BarchanException {
        if (command.isEmpty() || command.getFirst().isEmpty()) {
            throw new IllegalArgumentException("no command to run; for example: barchan run -- uname -a");
        }
        if (!keep.detach()) {
            Commands.checkTerminal(process, output);
        }
        Optional<KeepSpec> kept = keep.toSpec(process.tty());
        if (keep.detach() && (exportChanges != null || shell)) {
            throw new IllegalArgumentException("option '--detach' with --"
                    + (shell ? "shell" : "export-changes")
                    + " (expected: not both, as nobody is there then)");
        }
        return new RunSpec(
                sandbox.toSpec(caller::absolute, debug, !noTemplate),
                Commands.spec(caller, users, process, command),
                kept.isPresent() ? ClientLostPolicy.KEEP : ClientLostPolicy.DELETE,
                exportChanges != null,
                shell,
                kept.orElse(KeepSpec.DEFAULT),
                publish.toSpec());
    }

    /** Returns what the options say. */
    SpecDocument document(Caller caller, UserDatabase users) throws BarchanException {
        if (!command.isEmpty()) {
            var _ = spec(caller, users);
        }
        return new SpecDocument(
                sandbox.toSpec(caller::absolute, debug, !noTemplate), process, keep, publish, command, caller);
    }

    boolean json() {
        return output.json();
    }
}
