package org.barchan.host.lifecycle;

import java.util.Optional;

/** Where a sandbox is in its life, with what there is of it then. */
sealed interface SandboxState {
    /** It is being made, or its guest boots or is configured. */
    record Starting() implements SandboxState {}

    /** Its process has been started. */
    record Running(LiveGuest guest) implements SandboxState {}

    /**
     * It is being taken down.
     *
     * @param guest what there was of it
     */
    record Stopping(Optional<LiveGuest> guest) implements SandboxState {}
}
