package org.barchan.host.adapter.link;

import com.google.protobuf.UnknownFieldSet;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Lost;
import org.barchan.v1.SpawnError;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** Messages of a guest with their values checked and their text escaped. */
final class CheckedMessages {
    private CheckedMessages() {}

    /**
     * Returns a terminal record fit to be passed on.
     *
     * @param action what was tried, for the message
     * @throws SandboxException {@code LOST} when no honest guest sends such a one
     */
    static Termination termination(String action, Termination termination) throws SandboxException {
        if (termination.getCause() == TerminationCause.UNRECOGNIZED) {
            throw bad(action, "a termination of an unknown cause");
        }
        return known(action, termination).toBuilder()
                // They would be kept with it.
                .setUnknownFields(UnknownFieldSet.getDefaultInstance())
                .build();
    }

    private static Termination known(String action, Termination termination) throws SandboxException {
        return switch (termination.getResultCase()) {
            case EXIT_CODE -> {
                require(action, "exit status", termination.getExitCode(), 0, 255);
                yield termination;
            }
            case SIGNAL -> {
                require(action, "signal", termination.getSignal(), 1, 64);
                yield termination;
            }
            case SPAWN_ERROR ->
                termination.toBuilder()
                        .setSpawnError(spawnError(termination.getSpawnError()))
                        .build();
            case LOST ->
                termination.toBuilder()
                        .setLost(Lost.newBuilder()
                                .setReason(EscapedText.of(termination.getLost().getReason())))
                        .build();
            case RESULT_NOT_SET -> throw bad(action, "a termination without a result");
        };
    }

    static SpawnError spawnError(SpawnError error) {
        return error.toBuilder()
                .setMessage(EscapedText.of(error.getMessage()))
                .setUnknownFields(UnknownFieldSet.getDefaultInstance())
                .build();
    }

    /** Returns the error for something that no honest guest sends. */
    static SandboxException bad(String action, String what) {
        return new SandboxException(SandboxException.Code.LOST, action + " failed: guest sent " + what);
    }

    private static void require(String action, String what, int value, int least, int most) throws SandboxException {
        if (value < least || value > most) {
            throw bad(action, what + " " + value + " (expected: " + least + " to " + most + ")");
        }
    }
}
