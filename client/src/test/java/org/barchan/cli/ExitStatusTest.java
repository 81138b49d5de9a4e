package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.barchan.client.SpawnStep;
import org.barchan.client.Termination;
import org.barchan.client.TerminationCause;
import org.junit.jupiter.api.Test;

final class ExitStatusTest {
    @Test
    void of_lostProcess_isBarchansFailure() {
        assertEquals(125, status(new Termination.Lost("gone"), TerminationCause.VMM_CRASH));
        assertEquals(125, status(new Termination.NotStarted(SpawnStep.CHDIR, 2, ""), TerminationCause.NOT_STARTED));
    }

    @Test
    void of_commandThatCantRun_isAsTheShells() {
        assertEquals(127, status(new Termination.NotStarted(SpawnStep.EXEC, 2, ""), TerminationCause.NOT_STARTED));
        assertEquals(126, status(new Termination.NotStarted(SpawnStep.EXEC, 13, ""), TerminationCause.NOT_STARTED));
        assertEquals(126, status(new Termination.NotStarted(SpawnStep.EXEC, 8, ""), TerminationCause.NOT_STARTED));
    }

    @Test
    void of_end_isTheCommands() {
        assertEquals(0, status(new Termination.Exited(0), TerminationCause.EXITED));
        assertEquals(255, status(new Termination.Exited(255), TerminationCause.EXITED));
        assertEquals(137, status(new Termination.Signalled(9), TerminationCause.SIGNALLED));
    }

    @Test
    void of_timeout_isTimeouts_howeverItEnded() {
        assertEquals(124, status(new Termination.Exited(0), TerminationCause.TIMEOUT));
        assertEquals(124, status(new Termination.Signalled(15), TerminationCause.TIMEOUT));
        assertEquals(124, status(new Termination.Signalled(15), TerminationCause.MAX_LIFETIME));
        assertEquals(124, status(new Termination.Lost("deaf"), TerminationCause.IDLE));
    }

    private static int status(Termination.Result result, TerminationCause cause) {
        return ExitStatus.of(new Termination(result, cause, 0, 0, false));
    }
}
