package org.barchan.host.lifecycle;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;

/**
 * What a watcher wants to see.
 *
 * @param follow whether to wait for more
 * @param until ends before what happened then or later
 * @param sandboxes ids or names; none: all
 * @param types none: all
 */
public record EventOrder(
        Start start, boolean follow, Optional<Instant> until, Set<String> sandboxes, Set<EventType> types) {
    public EventOrder {
        sandboxes = Set.copyOf(sandboxes);
        types = Set.copyOf(types);
    }

    /** Where it begins. */
    public sealed interface Start {}

    /** At what comes from now on, or, without {@code follow}, at the oldest. */
    public record Anywhere() implements Start {}

    /** Behind what had this cursor. */
    public record Behind(EventCursor cursor) implements Start {}

    /** At the first that happened then or later. */
    public record Since(Instant time) implements Start {}

    boolean wants(Event event) {
        return event.getType() == EventType.EVENT_TYPE_EVENTS_LOST
                || ((types.isEmpty() || types.contains(event.getType()))
                        && (sandboxes.isEmpty()
                                || sandboxes.contains(event.getSandboxId())
                                || sandboxes.contains(event.getSandboxName())
                                || (!event.getOldName().isEmpty() && sandboxes.contains(event.getOldName()))));
    }
}
