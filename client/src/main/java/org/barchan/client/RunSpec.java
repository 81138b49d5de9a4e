package org.barchan.client;

/** One process in a sandbox of its own. */
public record RunSpec(SandboxSpec sandbox, ProcessSpec process, ClientLostPolicy clientLostPolicy) {
    /** Returns a run whose sandbox is deleted when the client goes away. */
    public static RunSpec of(SandboxSpec sandbox, ProcessSpec process) {
        return new RunSpec(sandbox, process, ClientLostPolicy.DELETE);
    }
}
