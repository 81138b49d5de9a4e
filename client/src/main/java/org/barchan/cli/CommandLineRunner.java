package org.barchan.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.client.BarchanException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Finds the verb, lets picocli parse its options, runs it, and turns each error into one message and status 125. */
final class CommandLineRunner {
    private final List<String> arguments;

    CommandLineRunner(List<String> arguments) {
        this.arguments = arguments;
    }

    @SuppressWarnings(
            "CatchingUnchecked") // the edge of the program: a fault of ours must not look like the command's status
    int run() {
        try {
            return dispatch();
        } catch (BarchanException e) {
            Messages.error(e);
        } catch (ParameterException e) {
            usageError(e);
        } catch (Exception | Error e) {
            Messages.error("a fault of Barchan's own: " + e);
            if (System.getenv("BARCHAN_TRACE") != null) {
                e.printStackTrace();
            }
        }
        return ExitStatus.BARCHAN_FAILED;
    }

    private int dispatch() throws Exception {
        String first = arguments.isEmpty() ? "" : arguments.getFirst();
        List<String> rest = arguments.subList(Math.min(1, arguments.size()), arguments.size());
        return switch (first) {
            case "run" -> call(new RunVerb(), rest);
            case "create" -> call(new CreateVerb(), rest);
            case "start" -> call(new StartVerb(), rest);
            case "exec" -> call(new ExecVerb(), rest);
            case "attach" -> call(new AttachVerb(), rest);
            case "spec" -> call(new SpecVerb(), rest);
            case "list", "ps" -> call(new ListVerb(), rest);
            case "inspect" -> call(new InspectVerb(), rest);
            case "logs" -> call(new LogsVerb(), rest);
            case "events" -> call(new EventsVerb(), rest);
            case "stats" -> call(new StatsVerb(), rest);
            case "top" -> call(new TopVerb(), rest);
            case "wait" -> call(new WaitVerb(), rest);
            case "rename" -> call(new RenameVerb(), rest);
            case "pause" -> call(new PauseVerb(), rest);
            case "resume", "unpause" -> call(new ResumeVerb(), rest);
            case "stop" -> call(new StopVerb(), rest);
            case "kill", "signal" -> call(new KillVerb(), rest);
            case "delete" -> call(new DeleteVerb(), rest);
            case "rm" -> call(new RmVerb(), rest);
            case "cp" -> call(new CpVerb(), rest);
            case "diff" -> call(new DiffVerb(), rest);
            case "port-forward" -> call(new PortForwardVerb(), rest);
            case "kernels" -> call(new KernelsVerb(), rest);
            case "template" -> template(rest);
            case "convert" -> call(new ConvertVerb(), rest);
            case "doctor" -> call(new DoctorVerb(), rest);
            case "version" -> call(new VersionVerb(), rest);
            case "-V", "--version" -> call(new VersionVerb(), List.of());
            case "completion" -> call(new CompletionVerb(), rest);
            case "help" -> help(rest);
            case "-h", "--help" -> help(List.of());
            default -> throw noVerb(first);
        };
    }

    private static int template(List<String> arguments) throws Exception {
        String verb = arguments.isEmpty() ? "" : arguments.getFirst();
        List<String> rest = arguments.subList(Math.min(1, arguments.size()), arguments.size());
        return switch (verb) {
            case "list" -> call("barchan template ", new TemplateListVerb(), rest);
            case "build" -> call("barchan template ", new TemplateBuildVerb(), rest);
            case "prune" -> call("barchan template ", new TemplatePruneVerb(), rest);
            case "-h", "--help" -> help(List.of("template"));
            default -> throw noVerb(verbs("template"), verb, "barchan template list");
        };
    }

    private static int call(Callable<Integer> verb, List<String> arguments) throws Exception {
        return call("barchan ", verb, arguments);
    }

    private static int call(String prefix, Callable<Integer> verb, List<String> arguments) throws Exception {
        CommandLine command = configure(new CommandLine(verb));
        command.setCommandName(prefix + command.getCommandName());
        CommandLine.ParseResult parsed = command.parseArgs(arguments.toArray(String[]::new));
        String file = parsed.matchedOptionValue("--file", "");
        if (!file.isEmpty() && !command.isUsageHelpRequested()) {
            command.parseArgs(expanded(command, file, parsed));
        }
        if (command.isUsageHelpRequested()) {
            Messages.result(command.getUsageMessage(CommandLine.Help.Ansi.OFF));
            return ExitStatus.OK;
        }
        try {
            return verb.call();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command, String.valueOf(e.getMessage()), e);
        }
    }

    private static String[] expanded(CommandLine command, String file, CommandLine.ParseResult parsed) {
        try {
            return SpecFile.expand(file, parsed, Caller.current(), new UserDatabase(Path.of("/etc")))
                    .toArray(String[]::new);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command, String.valueOf(e.getMessage()), e);
        }
    }

    /** What holds for all verbs: an argument is what it is, and options end where the first other word is. */
    static CommandLine configure(CommandLine command) {
        return command.setExpandAtFiles(false)
                .setStopAtPositional(true)
                .setPosixClusteredShortOptionsAllowed(false)
                .setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(100);
    }

    private static int help(List<String> verbs) throws BarchanException {
        Messages.result(verbs(verbs.toArray(String[]::new)).getUsageMessage(CommandLine.Help.Ansi.OFF));
        return ExitStatus.OK;
    }

    /** Returns a verb among all the others. */
    private static CommandLine verbs(String... words) {
        CommandLine command = RootCommand.create();
        for (String word : words) {
            CommandLine verb = command.getSubcommands().get(word);
            if (verb == null) {
                throw noVerb(command, word, "");
            }
            command = verb;
        }
        return command;
    }

    private static ParameterException noVerb(String word) {
        return noVerb(RootCommand.create(), word, "barchan run -- uname -a");
    }

    private static ParameterException noVerb(CommandLine command, String word, String example) {
        if (word.isEmpty()) {
            return new ParameterException(command, "no verb; for example: " + example);
        }
        return new UnmatchedArgumentException(command, List.of(word));
    }

    private static void usageError(ParameterException error) {
        String message = String.valueOf(error.getMessage());
        if (error instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().getFirst();
            String kind = word.startsWith("-") ? "option" : hasVerbs(error) ? "verb" : "argument";
            message = "unknown " + kind + " '" + word + "'" + suggestion(unmatched, word);
        }
        Messages.error(Character.toLowerCase(message.charAt(0)) + message.substring(1));
        String name = hasVerbs(error)
                ? error.getCommandLine().getCommandSpec().qualifiedName()
                : error.getCommandLine().getCommandName();
        Messages.line("Try '" + name + " --help'.");
    }

    private static boolean hasVerbs(ParameterException error) {
        return !error.getCommandLine().getSubcommands().isEmpty();
    }

    private static String suggestion(UnmatchedArgumentException error, String word) {
        String name = word.startsWith("--") ? word.split("=", 2)[0] : word;
        List<String> known = word.startsWith("-")
                ? error.getCommandLine().getCommandSpec().optionsMap().keySet().stream()
                        .filter(option -> option.startsWith("--"))
                        .toList()
                : List.copyOf(error.getCommandLine().getSubcommands().keySet());
        return Spelling.nearest(name, known)
                .map(near -> ": did you mean '" + near + "'?")
                .orElse("");
    }
}
