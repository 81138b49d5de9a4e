package org.barchan.client;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What to run, and as whom.
 *
 * @param command the command and its arguments, at least one; no shell, no quoting
 * @param environment the whole environment, in this order
 * @param workingDirectory where it starts; by default "/"
 * @param identity who it is; by default root without supplementary groups and capabilities
 * @param timeout after which it is ended; by default never
 * @param terminal how large its terminal is; by default it has none, but pipes. What it writes to a terminal, standard error too, is
 *     standard output, and standard input ends with the terminal's end-of-file character
 * @param limits how much it may use
 */
public record ProcessSpec(
        List<String> command,
        Map<String, String> environment,
        Optional<WorkingDirectory> workingDirectory,
        Optional<Identity> identity,
        Optional<Duration> timeout,
        Optional<TerminalSize> terminal,
        ProcessLimits limits) {
    /** @throws IllegalArgumentException if a value is not what Linux takes */
    public ProcessSpec {
        command = List.copyOf(command);
        environment = Collections.unmodifiableMap(new LinkedHashMap<>(environment));
        if (command.isEmpty() || command.getFirst().isEmpty()) {
            throw new IllegalArgumentException("no command (expected: at least one word that is not empty)");
        }
        command.forEach(word -> checkNoNul("argument", word));
        environment.forEach((name, value) -> {
            checkVariableName(name);
            checkNoNul("value of the variable " + name, value);
        });
        timeout.filter(limit -> !limit.isPositive()).ifPresent(limit -> {
            throw new IllegalArgumentException("timeout: " + limit + " (expected: longer than 0)");
        });
    }

    public static Builder builder(String... command) {
        return new Builder(List.of(command));
    }

    public static Builder builder(List<String> command) {
        return new Builder(command);
    }

    /** @throws IllegalArgumentException if it is no name of an environment variable */
    public static void checkVariableName(String name) {
        if (name.isEmpty() || name.indexOf('=') >= 0) {
            throw new IllegalArgumentException(
                    "'" + name + "' is no name of an environment variable (expected: not empty, without '=')");
        }
        checkNoNul("environment variable", name);
    }

    static void checkAbsolute(String what, String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException(what + ": '" + path + "' (expected: an absolute path)");
        }
        checkNoNul(what, path);
    }

    private static void checkNoNul(String what, String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(what + " with a NUL character, which Linux can't pass on");
        }
    }

    /** Collects the values of a {@link ProcessSpec}. Not thread-safe. */
    public static final class Builder {
        private final List<String> command;
        private final Map<String, String> environment = new LinkedHashMap<>();
        private Optional<WorkingDirectory> workingDirectory = Optional.empty();
        private Optional<Identity> identity = Optional.empty();
        private Optional<Duration> timeout = Optional.empty();
        private Optional<TerminalSize> terminal = Optional.empty();
        private ProcessLimits limits = ProcessLimits.DEFAULT;

        private Builder(List<String> command) {
            this.command = List.copyOf(command);
        }

        /** Sets one variable, over an earlier value of it. */
        public Builder environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** Sets each of these variables, over earlier values of them. */
        public Builder environment(Map<String, String> variables) {
            environment.putAll(variables);
            return this;
        }

        public Builder workingDirectory(WorkingDirectory value) {
            workingDirectory = Optional.of(value);
            return this;
        }

        public Builder identity(Identity value) {
            identity = Optional.of(value);
            return this;
        }

        public Builder timeout(Duration value) {
            timeout = Optional.of(value);
            return this;
        }

        /** Gives it a terminal; of {@link TerminalSize#UNKNOWN} size, perhaps. */
        public Builder terminal(TerminalSize value) {
            terminal = Optional.of(value);
            return this;
        }

        public Builder limits(ProcessLimits value) {
            limits = value;
            return this;
        }

        /** @throws IllegalArgumentException if a value is not what Linux takes */
        public ProcessSpec build() {
            return new ProcessSpec(command, environment, workingDirectory, identity, timeout, terminal, limits);
        }
    }
}
