package org.barchan.cli;

import org.barchan.cli.option.HelpOption;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** All verbs under one roof: for help and completion. A verb that is named runs without it, since building all of them takes time. */
@Command(
        name = "barchan",
        customSynopsis = "barchan VERB [OPTIONS] [ARGUMENT...]",
        description = "Runs a command of the host in a virtual machine, as if it ran here.",
        subcommands = {
            RunVerb.class,
            CreateVerb.class,
            StartVerb.class,
            ExecVerb.class,
            AttachVerb.class,
            ListVerb.class,
            InspectVerb.class,
            LogsVerb.class,
            EventsVerb.class,
            StatsVerb.class,
            TopVerb.class,
            WaitVerb.class,
            RenameVerb.class,
            PauseVerb.class,
            ResumeVerb.class,
            StopVerb.class,
            KillVerb.class,
            DeleteVerb.class,
            RmVerb.class,
            CpVerb.class,
            DiffVerb.class,
            PortForwardVerb.class,
            KernelsVerb.class,
            TemplateVerb.class,
            SpecVerb.class,
            ConvertVerb.class,
            DoctorVerb.class,
            VersionVerb.class,
            CompletionVerb.class,
            CommandLine.HelpCommand.class
        },
        commandListHeading = "%nCommands%n",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED, "other:See the verb."},
        footerHeading = "%nEnvironment%n",
        footer = {
            "  BARCHAN_ADDRESS      unix socket of the agent; none is started then",
            "  BARCHAN_RUNTIME_DIR  sockets and locks; by default /run/barchan for root, else",
            "                       $XDG_RUNTIME_DIR/barchan",
            "  BARCHAN_STATE_DIR    the agent's state; by default /var/lib/barchan for root, else",
            "                       ~/.local/state/barchan",
            "",
            "Try: barchan run -- uname -a"
        })
final class RootCommand {
    @Mixin
    HelpOption help = new HelpOption();

    @Option(
            names = {"-V", "--version"},
            description = "As 'barchan version'.")
    boolean version;

    static CommandLine create() {
        return CommandLineRunner.configure(new CommandLine(new RootCommand()));
    }
}
