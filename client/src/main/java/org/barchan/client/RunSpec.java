package org.barchan.client;

import java.util.List;

/**
 * One process in a sandbox of its own.
 *
 * @param exportChanges whether what the process has written to overlays is told when it has ended: {@link RunListener#onChanges}
 * @param keepUntilReleased whether the sandbox is kept, when the process has ended, for what else {@linkplain BarchanClient#exec runs} in
 *     it, until {@link Run#release}
 * @param keep what is kept of a sandbox that outlives its client, with {@link ClientLostPolicy#KEEP}
 * @param publishedPorts where the agent listens as long as the sandbox lives, at most 64
 */
public record RunSpec(
        SandboxSpec sandbox,
        ProcessSpec process,
        ClientLostPolicy clientLostPolicy,
        boolean exportChanges,
        boolean keepUntilReleased,
        KeepSpec keep,
        List<PublishedPort> publishedPorts) {
    public RunSpec {
        publishedPorts = List.copyOf(publishedPorts);
    }

    /** Returns a run whose sandbox is deleted when the client goes away. */
    public static RunSpec of(SandboxSpec sandbox, ProcessSpec process) {
        return new RunSpec(sandbox, process, ClientLostPolicy.DELETE, false, false, KeepSpec.DEFAULT, List.of());
    }
}
