package org.barchan.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A sandbox as its agent knows it.
 *
 * @param id chosen by the agent, unique for ever
 * @param accelerator in use; AUTO as long as it is not known
 * @param kernelRelease as {@code uname -r} prints it; empty as long as it is not known
 * @param bootId the guest kernel's boot id; empty until the guest has answered
 * @param linkEpochs number of times that an agent has connected to this guest
 * @param command what it was made for; empty if that is not known
 * @param end how its process has ended, with {@link SandboxState#ENDED}
 * @param publishedPorts the ports of the agent's host that lead to it, or did
 * @param labels what its user says of it
 * @param maxLifetime see {@link SandboxSpec#maxLifetime}
 * @param idleTimeout see {@link SandboxSpec#idleTimeout}
 */
public record Sandbox(
        String id,
        String name,
        SandboxState state,
        Accelerator accelerator,
        Isolation isolation,
        String kernelRelease,
        Instant createTime,
        String bootId,
        long linkEpochs,
        ClientLostPolicy clientLostPolicy,
        Optional<Command> command,
        Optional<End> end,
        List<PublishedPort> publishedPorts,
        Map<String, String> labels,
        Optional<Duration> maxLifetime,
        Optional<Duration> idleTimeout) {
    public Sandbox {
        labels = Collections.unmodifiableMap(new LinkedHashMap<>(labels));
        publishedPorts = List.copyOf(publishedPorts);
    }

    /**
     * A command.
     *
     * @param words it and its arguments, as many as fit into 4 KiB; bytes that are no UTF-8 as {@link RawText} has them
     * @param terminal whether its standard files are a terminal
     */
    public record Command(List<String> words, boolean terminal) {
        public Command {
            words = List.copyOf(words);
        }
    }

    /** How and when a process has ended. */
    public record End(Termination termination, Instant time) {}
}
