package org.barchan.host.port;

import java.util.List;
import org.barchan.host.sandbox.SandboxException;

/** Runs virtual machines. Safe for use by many threads. All that throws does so with {@code SILENT} when it takes too long. */
public interface HypervisorDriver extends AutoCloseable {
    /**
     * Starts a machine and returns once its processors run, or it can be {@linkplain Machine#restore restored}.
     *
     * @throws SandboxException {@code ALREADY_EXISTS}, {@code PRECONDITION} (with the hypervisor's own words), {@code EXHAUSTED}
     */
    Machine start(MachineSpec spec) throws SandboxException;

    /** Returns the machines of this agent and its predecessors that still run: those whose metadata says Barchan. */
    List<Machine> running() throws SandboxException;

    /** Returns the version of the hypervisor's library, for example "9.0.0". */
    String version() throws SandboxException;

    /** Lets go of the hypervisor; machines run on. */
    @Override
    void close();
}
