package org.barchan.host.port;

import java.nio.file.Path;
import java.util.concurrent.CompletionStage;
import org.barchan.host.sandbox.SandboxException;

/** A virtual machine that was started. Safe for use by many threads. */
public interface Machine {
    /** Returns what it was started as; for an adopted machine, as its metadata says. */
    MachineRecord record();

    /** Completes when the machine has stopped, told by the hypervisor's event and never by polling. */
    CompletionStage<MachineEnd> ended();

    /**
     * Has a machine that was started with {@link MachineSpec#saved} take that over, and run: nothing of it runs before.
     *
     * @throws SandboxException {@code LOST} when what was saved is damaged, or is not taken
     */
    void restore() throws SandboxException;

    /**
     * Ends the machine, and writes what another can go on from: see {@link MachineSpec#saved}.
     *
     * @param file is made, or replaced; whole only if this returns
     * @throws SandboxException when it could not be saved: it may run on
     */
    void save(Path file) throws SandboxException;

    /** Stops its virtual CPUs, if they are not stopped. */
    void pause() throws SandboxException;

    /** Has its virtual CPUs run, if they are stopped. */
    void resume() throws SandboxException;

    /** Whether its virtual CPUs are stopped. */
    boolean isPaused() throws SandboxException;

    /** Returns what it takes of the host now. */
    MachineUsage usage() throws SandboxException;

    /**
     * Ends the machine at once; returns when nothing of it runs. Does nothing if it has ended.
     *
     * @throws SandboxException when it may run on: try again
     */
    void destroy() throws SandboxException;

    /** Returns the last lines of what the hypervisor logged about this machine; empty if nothing. */
    String log();
}
