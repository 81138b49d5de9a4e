package org.barchan.client;

/**
 * One process in a sandbox of its own.
 *
 * @param exportChanges whether what the process has written to overlays is told when it has ended: {@link RunListener#onChanges}
 * @param awaitExec whether the sandbox is kept, when the process has ended, until one more was run in it by {@link BarchanClient#exec}, and
 *     all such have ended
 */
public record RunSpec(
        SandboxSpec sandbox,
        ProcessSpec process,
        ClientLostPolicy clientLostPolicy,
        boolean exportChanges,
        boolean awaitExec) {
    /** Returns a run whose sandbox is deleted when the client goes away. */
    public static RunSpec of(SandboxSpec sandbox, ProcessSpec process) {
        return new RunSpec(sandbox, process, ClientLostPolicy.DELETE, false, false);
    }
}
