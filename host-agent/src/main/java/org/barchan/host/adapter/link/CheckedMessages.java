package org.barchan.host.adapter.link;

import java.nio.charset.StandardCharsets;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileType;
import org.barchan.v1.Lost;
import org.barchan.v1.SpawnError;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** Messages of a guest with their values checked and their text escaped. */
final class CheckedMessages {
    private static final int MAX_PATH = 3 * 4096;
    private static final int MAX_NAME = 255;
    private static final int MAX_MODE = 07777;
    /** Some 30,000 years. */
    private static final long MAX_SECONDS = 1_000_000_000_000L;

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

    /** Returns a change that names nothing outside of its sandbox. */
    static Change change(String action, Change change) throws SandboxException {
        String path = change.getPath().toString(StandardCharsets.ISO_8859_1);
        boolean good = path.startsWith("/") && path.length() <= MAX_PATH && path.indexOf(0) < 0;
        for (String part : good && path.length() > 1 ? path.substring(1).split("/", -1) : new String[0]) {
            good &= !part.isEmpty() && !part.equals(".") && !part.equals("..") && part.length() <= MAX_NAME;
        }
        if (!good) {
            throw bad(
                    action,
                    "a path that no file has: "
                            + EscapedText.of(change.getPath().toStringUtf8()));
        }
        boolean deleted = change.getKind() == ChangeKind.CHANGE_KIND_DELETED;
        if (change.getKind() == ChangeKind.UNRECOGNIZED
                || change.getKind() == ChangeKind.CHANGE_KIND_UNSPECIFIED
                || change.getType() == FileType.UNRECOGNIZED
                || deleted != (change.getType() == FileType.FILE_TYPE_UNSPECIFIED)) {
            throw bad(action, "a change of an unknown kind");
        }
        boolean regular = change.getType() == FileType.FILE_TYPE_REGULAR;
        if (change.getSizeBytes() < 0
                || (!regular && change.getSizeBytes() != 0)
                || change.getMode() < 0
                || change.getMode() > MAX_MODE
                || change.getLinkTarget().size() > MAX_PATH
                || change.getModifyTime().getSeconds() < -MAX_SECONDS
                || change.getModifyTime().getSeconds() > MAX_SECONDS) {
            throw bad(action, "a change with values that no file has");
        }
        return change;
    }

    static SpawnError spawnError(SpawnError error) {
        return error.toBuilder().setMessage(EscapedText.of(error.getMessage())).build();
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
