package org.barchan.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The one error of the library: says what was tried on what, why it failed, and what to do. */
public final class BarchanException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What kind of error it is. */
    public enum Code {
        /** A value of the request is wrong; {@link #violations()} may name each. */
        INVALID,
        /** No such sandbox. */
        NOT_FOUND,
        /** The name is taken by a live sandbox. */
        ALREADY_EXISTS,
        /** The host lacks something, or has it in a state that does not do. */
        PRECONDITION,
        /** The host or the agent has no room for more. */
        EXHAUSTED,
        /** What was asked for is not kept any more. */
        OUT_OF_RANGE,
        /** A deadline passed. */
        TIMEOUT,
        /** The caller may not do this. */
        DENIED,
        /** No agent answers, or the connection to it was lost. */
        UNAVAILABLE,
        /** The caller cancelled. */
        CANCELLED,
        /** The agent runs, and is of another version than this client. */
        VERSION,
        /** A fault of Barchan's own. */
        INTERNAL
    }

    /**
     * A field of a request that is wrong.
     *
     * @param field its name in the API, for example {@code sandbox.memory_bytes}
     * @param description what is wrong with it
     */
    public record Violation(String field, String description) {}

    private final Code code;

    @SuppressWarnings("serial") // an immutable list of records; the exception never leaves the process
    private final List<Violation> violations;

    public BarchanException(Code code, String message) {
        this(code, message, List.of(), null);
    }

    public BarchanException(Code code, String message, @Nullable Throwable cause) {
        this(code, message, List.of(), cause);
    }

    public BarchanException(Code code, String message, List<Violation> violations, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.violations = List.copyOf(violations);
    }

    public Code code() {
        return code;
    }

    /** Returns the wrong fields of the request, as far as the agent named them. */
    public List<Violation> violations() {
        return violations;
    }
}
