package org.barchan.cli;

import java.util.List;
import java.util.Optional;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessSpec;
import org.barchan.client.WorkingDirectory;

/** What command lines say of commands to run. */
final class Commands {
    private Commands() {}

    /** @throws IllegalArgumentException if the options contradict each other, or a value is wrong */
    static ProcessSpec spec(Caller caller, UserDatabase users, ProcessOptions options, List<String> command)
            throws BarchanException {
        SandboxUser user = user(caller, users, options);
        ProcessSpec.Builder builder = ProcessSpec.builder(command)
                .identity(user.identity())
                .environment(CommandEnvironment.of(
                        user, caller.environment(), options.clearEnvironment(), options.environment()))
                .workingDirectory(options.workingDirectory(caller::absolute)
                        .map(path -> new WorkingDirectory(path, true))
                        .orElseGet(() -> new WorkingDirectory(caller.workingDirectory(), false)));
        options.timeout().ifPresent(builder::timeout);
        builder.limits(options.limits().toSpec());
        if (options.tty()) {
            builder.terminal(caller.terminal());
        }
        return builder.build();
    }

    /** @throws IllegalArgumentException if a terminal is asked for that nobody would see */
    static void checkTerminal(ProcessOptions options, OutputOption output) {
        if (options.tty() && output.json()) {
            throw new IllegalArgumentException(
                    "--tty can't be combined with --output json: nobody would see the terminal");
        }
    }

    private static SandboxUser user(Caller caller, UserDatabase users, ProcessOptions options) throws BarchanException {
        Optional<String> named = options.user();
        if (named.isPresent()) {
            return SandboxUser.parse(named.get(), users);
        }
        return options.privileged() ? SandboxUser.privileged(users) : SandboxUser.caller(caller, users);
    }
}
