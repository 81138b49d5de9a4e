package org.barchan.host.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.WorkingDirectoryPolicy;

/** Looks for what is wrong with the processes of requests. */
final class ProcessParser {
    /** More than Linux takes by default (a quarter of the stack's limit): the guest's kernel says what is too much. */
    private static final int MAX_ARGUMENT_BYTES = 3 * 1024 * 1024;

    private static final int MAX_TERMINAL_SIZE = 65535;

    private final String prefix;
    private final BiConsumer<String, String> wrong;

    /**
     * @param prefix what the process's fields begin with
     * @param wrong is told a field and what is wrong with it
     */
    ProcessParser(String prefix, BiConsumer<String, String> wrong) {
        this.prefix = prefix;
        this.wrong = wrong;
    }

    /** Returns a number of bytes of a stream. */
    static long offset(String field, long value) throws SandboxException {
        if (value < 0) {
            throw StatusMapping.of(List.of(new StatusMapping.Violation(
                    field, Long.toUnsignedString(value) + " (expected: at most " + Long.MAX_VALUE + ")")));
        }
        return value;
    }

    /** Returns how long the process may run, after looking for all that is wrong with it. */
    Optional<java.time.Duration> timeout(ProcessSpec process) {
        check(process);
        return process.hasTimeout()
                ? Optional.of(duration(prefix + "timeout", process.getTimeout(), wrong))
                : Optional.empty();
    }

    private void check(ProcessSpec process) {
        if (process.getArgvCount() == 0) {
            wrong.accept(prefix + "argv", "empty (expected: a command)");
        } else if (process.getArgv(0).isEmpty()) {
            wrong.accept(prefix + "argv[0]", "empty (expected: a command)");
        }
        long size = 0;
        for (int i = 0; i < process.getArgvCount(); i++) {
            size += process.getArgv(i).size() + 9L;
            withoutNul(prefix + "argv[" + i + "]", process.getArgv(i));
        }
        for (int i = 0; i < process.getEnvironmentCount(); i++) {
            EnvironmentVariable variable = process.getEnvironment(i);
            size += variable.getName().size() + variable.getValue().size() + 10L;
            checkVariable(prefix + "environment[" + i + "]", variable);
        }
        if (size > MAX_ARGUMENT_BYTES) {
            wrong.accept(
                    prefix + "argv",
                    size + " bytes with the environment (expected: at most " + MAX_ARGUMENT_BYTES + ")");
        }
        ByteString directory = process.getWorkingDirectory();
        if (!directory.isEmpty() && directory.byteAt(0) != '/') {
            wrong.accept(
                    prefix + "working_directory", "'" + directory.toStringUtf8() + "' (expected: an absolute path)");
        }
        withoutNul(prefix + "working_directory", directory);
        if (process.getWorkingDirectoryPolicy() == WorkingDirectoryPolicy.UNRECOGNIZED) {
            wrong.accept(
                    prefix + "working_directory_policy",
                    RunStartParser.unknown(process.getWorkingDirectoryPolicyValue()));
        }
        new LimitParser(prefix, wrong).check(process);
        problem(process.getTerminal().getSize()).ifPresent(problem -> wrong.accept(prefix + "terminal.size", problem));
        // setresuid(2) takes it for "leave as it is".
        if (process.getIdentity().getUid() == -1
                || process.getIdentity().getGid() == -1
                || process.getIdentity().getSupplementaryGidsList().contains(-1)) {
            wrong.accept(prefix + "identity", "id 4294967295 (expected: at most 4294967294)");
        }
        if (process.getIdentity().getPrivileged() && process.getIdentity().getUid() != 0) {
            wrong.accept(
                    prefix + "identity.privileged",
                    "true for uid "
                            + Integer.toUnsignedString(process.getIdentity().getUid())
                            + " (expected: uid 0, or not privileged)");
        }
    }

    /** Returns what is wrong with a size. */
    static Optional<String> problem(TerminalSize size) {
        boolean good = 0 <= size.getRows()
                && size.getRows() <= MAX_TERMINAL_SIZE
                && 0 <= size.getColumns()
                && size.getColumns() <= MAX_TERMINAL_SIZE;
        return good
                ? Optional.empty()
                : Optional.of(Integer.toUnsignedString(size.getRows()) + " rows, "
                        + Integer.toUnsignedString(size.getColumns()) + " columns (expected: each 0 to "
                        + MAX_TERMINAL_SIZE + ")");
    }

    private void checkVariable(String field, EnvironmentVariable variable) {
        if (variable.getName().isEmpty()) {
            wrong.accept(field + ".name", "empty (expected: a name)");
        }
        if (holds(variable.getName(), '=')) {
            wrong.accept(
                    field + ".name",
                    "'" + variable.getName().toStringUtf8() + "' holds '=' (expected: a name without)");
        }
        withoutNul(field + ".name", variable.getName());
        withoutNul(field + ".value", variable.getValue());
    }

    /**
     * Reads the number of a signal.
     *
     * @throws SandboxException {@code INVALID}
     */
    static int signal(int number) throws SandboxException {
        if (number < 1 || number > 64) {
            throw new SandboxException(SandboxException.Code.INVALID, "signal: " + number + " (expected: 1 to 64)");
        }
        return number;
    }

    /** Returns how long something may take. */
    static java.time.Duration duration(String field, Duration value, BiConsumer<String, String> wrong) {
        try {
            java.time.Duration duration = java.time.Duration.ofSeconds(value.getSeconds(), value.getNanos());
            // As nanoseconds it has to fit a long.
            if (duration.isPositive() && duration.toDays() < 36500) {
                return duration;
            }
        } catch (ArithmeticException e) {
            // Refused below.
        }
        wrong.accept(
                field, value.getSeconds() + " s " + value.getNanos() + " ns (expected: positive, below 100 years)");
        return java.time.Duration.ZERO;
    }

    private void withoutNul(String field, ByteString bytes) {
        if (holds(bytes, 0)) {
            wrong.accept(field, "holds NUL (expected: no NUL)");
        }
    }

    private static boolean holds(ByteString bytes, int wanted) {
        for (byte b : bytes) {
            if (b == wanted) {
                return true;
            }
        }
        return false;
    }
}
