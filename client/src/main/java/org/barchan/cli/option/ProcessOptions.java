package org.barchan.cli.option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say how a command runs and as whom, and how a verb that runs one exits. */
@Command(
        exitCodeList = {
            "0-255:The command's own, if it has exited.",
            "124:The command was ended by --timeout, or by what its sandbox's time is limited by.",
            "125:Barchan failed; standard error says at what.",
            "126:The command can't be executed.",
            "127:The command was not found.",
            "128+N:The command was ended by signal N."
        })
public final class ProcessOptions {
    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME[=VALUE]",
            converter = EnvironmentOption.Converter.class,
            description = "Set a variable of the command's environment; without =VALUE to your own value."
                    + " Repeatable, the last one of a name counts.")
    private List<EnvironmentOption> environment = new ArrayList<>();

    @Option(
            names = "--clear-env",
            description = "Begin with an empty environment: the command gets what --env names and nothing else.")
    private boolean clearEnvironment;

    @Option(
            names = "--cwd",
            paramLabel = "DIR",
            description = "Working directory inside the sandbox; it must exist there."
                    + " By default yours if the sandbox has it, else /.")
    private @Nullable String workingDirectory;

    @Option(
            names = {"-u", "--user"},
            paramLabel = "USER[:GROUP]",
            description = "Who the command is: a name of the host, or UID:GID. By default you, with your groups.")
    private @Nullable String user;

    /** As virt-sandbox(1) had it. */
    @Option(
            names = {"-S", "--switchto"},
            hidden = true)
    private @Nullable String switchTo;

    @Option(
            names = {"-p", "--privileged"},
            description = "Run as root of the sandbox with the capabilities that it has; not with --user.")
    private boolean privileged;

    @Option(
            names = {"-t", "--tty"},
            description =
                    "Give the command a terminal, with yours as its keyboard and screen: what it writes gets there as it is.")
    private boolean tty;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "End the command after this time (as timeout(1): 10, 1.5s, 2m, 1h): SIGTERM, and SIGKILL"
                    + " 5 seconds later. Exit status 124.")
    private Duration timeout = Duration.ZERO;

    @Mixin
    private final LimitOptions limits = new LimitOptions();

    public List<EnvironmentOption> environment() {
        return List.copyOf(environment);
    }

    public boolean clearEnvironment() {
        return clearEnvironment;
    }

    /** Returns the working directory that was asked for, absolute. */
    public Optional<String> workingDirectory(UnaryOperator<String> absolute) {
        return Optional.ofNullable(workingDirectory)
                .map(directory -> absolute.apply(SandboxOptions.path("--cwd", directory)));
    }

    /**
     * Returns the user that was asked for.
     *
     * @throws IllegalArgumentException if another option contradicts
     */
    public Optional<String> user() {
        String given = user == null ? switchTo : user;
        if (privileged && given != null) {
            throw new IllegalArgumentException("--privileged runs as root: it can't be combined with --user " + given);
        }
        return Optional.ofNullable(given);
    }

    public boolean privileged() {
        return privileged;
    }

    public boolean tty() {
        return tty;
    }

    public LimitOptions limits() {
        return limits;
    }

    /** Returns the time limit; zero is none. */
    public Optional<Duration> timeout() {
        return Optional.of(timeout).filter(Duration::isPositive);
    }
}
