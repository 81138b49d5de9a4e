package org.barchan.client;

/** Why a process ended. */
public enum TerminationCause {
    /** A cause that this client is too old for. */
    UNKNOWN,
    /** It exited by itself. */
    EXITED,
    /** It was ended by a signal that no client asked for. */
    SIGNALLED,
    /** It was ended by a signal that a client asked for. */
    SIGNALLED_BY_CLIENT,
    /** Its time was up. */
    TIMEOUT,
    /** It could not be started. */
    NOT_STARTED,
    /** The guest's kernel ended it for lack of memory. */
    OUT_OF_MEMORY,
    /** The guest's kernel panicked. */
    GUEST_PANIC,
    /** The virtual machine went away under the guest. */
    VMM_CRASH,
    /** The sandbox was deleted while it ran. */
    SANDBOX_DELETED,
    /** Its sandbox's time was up: {@link SandboxSpec#maxLifetime}. */
    MAX_LIFETIME,
    /** Its sandbox was not in use for too long: {@link SandboxSpec#idleTimeout}. */
    IDLE
}
