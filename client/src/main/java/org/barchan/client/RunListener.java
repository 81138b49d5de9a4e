package org.barchan.client;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Receives what happens in a run. Called by one thread at a time, in the order of events. A callback may block: then the process in the
 * sandbox is held back as by a full pipe.
 */
public interface RunListener {
    /** The sandbox exists; called again when its guest runs. */
    default void onSandbox(Sandbox sandbox) {}

    /** The agent says what it does: one line. */
    default void onProgress(ProgressLevel level, String message) {}

    /**
     * The guest wrote to its console, raw and untrusted; only with {@link SandboxSpec#debug()}.
     *
     * @throws IOException as for {@link #onOutput}
     */
    default void onConsole(ByteBuffer bytes) throws IOException {}

    /**
     * The command runs, or has been joined.
     *
     * @param pid in the sandbox; 0 if it is not known
     */
    default void onStarted(int pid) {}

    /**
     * The process wrote bytes. The buffer is read-only and valid during the call only.
     *
     * @throws IOException if they can't be taken: the run is cancelled and fails with this as its cause
     */
    default void onOutput(StandardStream stream, ByteBuffer bytes) throws IOException {}

    /**
     * A piece of the archive of what the process has written to overlays, as {@link BarchanClient#exportChanges} has it; only with
     * {@link RunSpec#exportChanges()}, after all output. The buffer is read-only and valid during the call only.
     *
     * @param bytes empty: the archive is whole; without that, it is not
     * @throws IOException as for {@link #onOutput}
     */
    default void onChanges(ByteBuffer bytes) throws IOException {}
}
