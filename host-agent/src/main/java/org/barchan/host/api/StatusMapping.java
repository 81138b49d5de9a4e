package org.barchan.host.api;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.stream.Collectors;
import org.barchan.host.lifecycle.Printable;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The only place where errors become gRPC statuses. */
final class StatusMapping {
    private static final Logger LOG = LoggerFactory.getLogger(StatusMapping.class);

    /** Messages travel in metadata, which clients limit to 8 KiB, and some bytes take three there. */
    private static final int MAX_MESSAGE = 2000;

    private static final int MAX_VIOLATIONS = 10;

    private StatusMapping() {}

    static StatusRuntimeException of(SandboxException e) {
        return code(e.code())
                .withDescription(shorten(Printable.lines(String.valueOf(e.getMessage()))))
                .asRuntimeException();
    }

    /** Returns the status of a request with wrong fields, all of them named. */
    static StatusRuntimeException of(List<Violation> violations) {
        List<Violation> first = violations.subList(0, Math.min(MAX_VIOLATIONS, violations.size()));
        String more = violations.size() > first.size() ? "; and " + (violations.size() - first.size()) + " more" : "";
        BadRequest details = BadRequest.newBuilder()
                .addAllFieldViolations(first.stream()
                        .map(v -> BadRequest.FieldViolation.newBuilder()
                                .setField(v.field())
                                .setDescription(shorten(Printable.line(v.problem()), 160))
                                .build())
                        .toList())
                .build();
        String message = first.stream()
                        .map(v -> v.field() + ": " + Printable.line(v.problem()))
                        .collect(Collectors.joining("; "))
                + more;
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.INVALID_ARGUMENT.value())
                .setMessage(shorten(message))
                .addDetails(Any.pack(details))
                .build());
    }

    /** Returns the status of a call that was interrupted: the agent is going down. */
    static StatusRuntimeException interrupted() {
        return Status.UNAVAILABLE.withDescription("the agent is stopping").asRuntimeException();
    }

    /** Returns the status of a call that Barchan itself was wrong about, and logs it. */
    static StatusRuntimeException fault(Throwable e) {
        LOG.error("a call failed by a fault of Barchan's own", e);
        return Status.INTERNAL
                .withDescription("a fault of Barchan's own (" + e.getClass().getSimpleName() + "): see the agent's log")
                .asRuntimeException();
    }

    private static Status code(SandboxException.Code code) {
        return switch (code) {
            case INVALID -> Status.INVALID_ARGUMENT;
            case NOT_FOUND -> Status.NOT_FOUND;
            case ALREADY_EXISTS -> Status.ALREADY_EXISTS;
            case PRECONDITION -> Status.FAILED_PRECONDITION;
            case DENIED -> Status.PERMISSION_DENIED;
            case OUT_OF_RANGE -> Status.OUT_OF_RANGE;
            case EXHAUSTED -> Status.RESOURCE_EXHAUSTED;
            case TIMEOUT, SILENT -> Status.DEADLINE_EXCEEDED;
            // Something had been started, so UNAVAILABLE, which invites to a retry, would be wrong.
            case LOST -> Status.ABORTED;
            case UNAVAILABLE -> Status.UNAVAILABLE;
            case INTERNAL -> Status.INTERNAL;
        };
    }

    private static String shorten(String text) {
        return shorten(text, MAX_MESSAGE);
    }

    private static String shorten(String text, int most) {
        return text.length() <= most ? text : text.substring(0, most) + "...";
    }

    /**
     * A field that is wrong.
     *
     * @param field its path from the request, for example {@code start.sandbox.memory_bytes}
     */
    record Violation(String field, String problem) {}
}
