package org.barchan.cli;

import java.util.EnumSet;
import java.util.Set;
import org.barchan.client.SpawnStep;
import org.barchan.client.Termination;
import org.barchan.client.TerminationCause;

/** The exit statuses of the command, as a shell and timeout(1) have them. */
final class ExitStatus {
    /** What help and man page write above a verb's list of statuses. */
    static final String HEADING = "%nExit status%n";
    /** The line of that list for 0. */
    static final String SUCCEEDED = "0:Success.";
    /** The line of that list for 125. */
    static final String FAILED = "125:Barchan failed, or was called wrongly; standard error says how.";

    static final int OK = 0;
    /** {@code doctor} found that sandboxes don't run. */
    static final int CHECK_FAILED = 1;
    /** The time that --timeout, --max-lifetime or --idle-timeout gave was up. */
    static final int TIMEOUT = 124;
    /** Barchan failed, or was asked for something wrong. */
    static final int BARCHAN_FAILED = 125;
    /** The command was found and can't be executed. */
    static final int NOT_EXECUTABLE = 126;
    /** The command was not found. */
    static final int NOT_FOUND = 127;

    private static final Set<TerminationCause> TIMES_UP =
            EnumSet.of(TerminationCause.TIMEOUT, TerminationCause.MAX_LIFETIME, TerminationCause.IDLE);

    private static final int ENOENT = 2;
    private static final int SIGNAL_BASE = 128;

    private ExitStatus() {}

    static int ofSignal(int signal) {
        return SIGNAL_BASE + signal;
    }

    static int of(Termination termination) {
        if (TIMES_UP.contains(termination.cause())) {
            return TIMEOUT;
        }
        return switch (termination.result()) {
            case Termination.Exited(int code) -> code;
            case Termination.Detached _ -> OK;
            case Termination.Signalled(int signal) -> ofSignal(signal);
            case Termination.NotStarted(SpawnStep step, int errno, String _)
            when step == SpawnStep.EXEC -> errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
            case Termination.NotStarted _, Termination.Lost _ -> BARCHAN_FAILED;
        };
    }
}
