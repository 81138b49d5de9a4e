package org.barchan.host.sandbox;

import org.jspecify.annotations.Nullable;

/** The one error of the agent: says what was tried on what, why it failed, and what to do. */
public final class SandboxException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What kind of error it is; the API maps each to a gRPC status in one place. */
    public enum Code {
        /** A value of the request is wrong, whatever the host is like. */
        INVALID,
        /** No such sandbox or process. */
        NOT_FOUND,
        /** The name is taken. */
        ALREADY_EXISTS,
        /** The host lacks something, or has it in a state that does not do. */
        PRECONDITION,
        /** Not even the sandbox's root user may do it. */
        DENIED,
        /** The host has no room: memory, descriptors, disk. */
        EXHAUSTED,
        /** A deadline passed. */
        TIMEOUT,
        /** The hypervisor has not answered in time: what was asked of it may come about yet. */
        SILENT,
        /** The guest or its virtual machine is gone. */
        LOST,
        /** What was asked for is not kept any more. */
        OUT_OF_RANGE,
        /** The agent is stopping. */
        UNAVAILABLE,
        /** A fault of Barchan's own. */
        INTERNAL
    }

    private final Code code;

    public SandboxException(Code code, String message) {
        this(code, message, null);
    }

    public SandboxException(Code code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
