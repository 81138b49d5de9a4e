package org.barchan.client.internal;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;
import org.barchan.client.BarchanException.Violation;
import org.jspecify.annotations.Nullable;

/** The one place where gRPC's statuses become the library's error. */
final class StatusErrors {
    private static final String BAD_REQUEST = "/google.rpc.BadRequest";

    private StatusErrors() {}

    static BarchanException toException(String action, StatusRuntimeException error) {
        return toException(action, error.getStatus(), error.getTrailers());
    }

    static BarchanException toException(String action, Status status, @Nullable Metadata trailers) {
        String reason = status.getDescription();
        String message = reason != null ? reason : action + " failed: " + describe(status);
        if (status.getCode() == Status.Code.UNAVAILABLE && !message.contains("agent")) {
            // The agent's own words name it; gRPC's, for a connection that broke, name nobody.
            message = "the agent is gone (" + message + "); its log says more: agent.log below the state directory";
        }
        return new BarchanException(code(status), message, violations(status, trailers), status.getCause());
    }

    private static String describe(Status status) {
        Throwable cause = status.getCause();
        return status.getCode() + (cause == null ? "" : " (" + cause + ")");
    }

    private static Code code(Status status) {
        return switch (status.getCode()) {
            case INVALID_ARGUMENT -> Code.INVALID;
            case OUT_OF_RANGE -> Code.OUT_OF_RANGE;
            case NOT_FOUND -> Code.NOT_FOUND;
            case ALREADY_EXISTS -> Code.ALREADY_EXISTS;
            case FAILED_PRECONDITION -> Code.PRECONDITION;
            case RESOURCE_EXHAUSTED -> Code.EXHAUSTED;
            case DEADLINE_EXCEEDED -> Code.TIMEOUT;
            case PERMISSION_DENIED, UNAUTHENTICATED -> Code.DENIED;
            case UNAVAILABLE, ABORTED -> Code.UNAVAILABLE;
            case CANCELLED -> Code.CANCELLED;
            case UNIMPLEMENTED -> Code.VERSION;
            case INTERNAL, UNKNOWN, DATA_LOSS, OK -> Code.INTERNAL;
        };
    }

    private static List<Violation> violations(Status status, @Nullable Metadata trailers) {
        com.google.rpc.Status details = StatusProto.fromStatusAndTrailers(status, trailers);
        List<Violation> violations = new ArrayList<>();
        for (Any detail : details.getDetailsList()) {
            // Not by Any's own means, which take reflection.
            if (detail.getTypeUrl().endsWith(BAD_REQUEST)) {
                try {
                    BadRequest.parseFrom(detail.getValue())
                            .getFieldViolationsList()
                            .forEach(field -> violations.add(new Violation(field.getField(), field.getDescription())));
                } catch (InvalidProtocolBufferException e) {
                    violations.add(new Violation("", "details that can't be read: " + e.getMessage()));
                }
            }
        }
        return violations;
    }
}
