package org.barchan.client;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Something that has happened to a sandbox or to a process of it; to none with {@link EventType#EVENTS_LOST} alone, where both are empty.
 *
 * @param cursor of use for {@link EventSpec#behind}
 * @param time by the agent's host's clock, which may be set back meanwhile
 * @param sandboxName with {@link EventType#SANDBOX_RENAMED} the new one
 * @param oldName the one that it had before, with {@link EventType#SANDBOX_RENAMED}; else empty
 * @param processId empty where it is about no process, or the one that the sandbox was made for
 * @param termination how it has ended; empty where that is not what has happened, or the sandbox's process was not started
 * @param reason for people, why the sandbox's process was not started; else empty
 * @param publishedPorts those that lead to a sandbox that was created
 */
public record Event(
        String cursor,
        EventType type,
        Instant time,
        String sandboxId,
        String sandboxName,
        String oldName,
        String processId,
        Optional<Termination> termination,
        String reason,
        List<PublishedPort> publishedPorts) {
    public Event {
        publishedPorts = List.copyOf(publishedPorts);
    }
}
