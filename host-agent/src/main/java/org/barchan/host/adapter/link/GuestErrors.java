package org.barchan.host.adapter.link;

import io.grpc.Status;
import java.io.IOException;
import java.util.Optional;
import org.barchan.guest.v1.WriteFileFailure;
import org.barchan.host.sandbox.SandboxException;

/** Turns what went wrong with a call into the agent's error: the only place where a status of a guest is looked at. */
final class GuestErrors {
    private GuestErrors() {}

    /**
     * Returns the error for a call that did not succeed.
     *
     * @param action what was tried on what, for example "sandbox b-1: configuring the guest"
     */
    static SandboxException of(String action, Status status) {
        String reason = Optional.ofNullable(status.getDescription())
                .map(EscapedText::of)
                .orElse("no reason given");
        return new SandboxException(
                codeOf(status), action + " failed: " + reason + " (" + status.getCode() + ")", status.getCause());
    }

    /** Returns the error for something that could not be written, which the guest says in an answer. */
    static SandboxException of(String action, WriteFileFailure failure) {
        Status status = Status.fromCodeValue(failure.getCode()).withDescription(failure.getMessage());
        return failure.getMessage().isEmpty() || status.isOk()
                ? CheckedMessages.bad(action, "an answer that says nothing")
                : of(action, status);
    }

    /** Whether a status says that the link was lost under the call, so that it may go on under a new epoch. */
    static boolean isLinkLoss(Status status) {
        return status.getCode() == Status.Code.UNAVAILABLE || status.getCause() instanceof IOException;
    }

    private static SandboxException.Code codeOf(Status status) {
        return switch (status.getCode()) {
            case DEADLINE_EXCEEDED -> SandboxException.Code.TIMEOUT;
            case UNAVAILABLE, CANCELLED -> SandboxException.Code.LOST;
            case NOT_FOUND -> SandboxException.Code.NOT_FOUND;
            case ALREADY_EXISTS -> SandboxException.Code.ALREADY_EXISTS;
            case FAILED_PRECONDITION, ABORTED -> SandboxException.Code.PRECONDITION;
            case RESOURCE_EXHAUSTED -> SandboxException.Code.EXHAUSTED;
            case PERMISSION_DENIED -> SandboxException.Code.DENIED;
            case INVALID_ARGUMENT -> SandboxException.Code.INVALID;
            // With a cause it did not come from the guest's service: HTTP/2 choked on what the guest sent.
            case INTERNAL, UNKNOWN ->
                status.getCause() == null ? SandboxException.Code.INTERNAL : SandboxException.Code.LOST;
            case OK, OUT_OF_RANGE, UNIMPLEMENTED, DATA_LOSS, UNAUTHENTICATED -> SandboxException.Code.INTERNAL;
        };
    }
}
