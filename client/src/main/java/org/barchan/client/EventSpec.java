package org.barchan.client;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * Which events to watch.
 *
 * @param start empty: what comes from now on, or, where it is not followed, all that is kept
 * @param follow whether to wait for more
 * @param until ends before what happened then or later
 * @param sandboxes ids or names, as they are called when something happens, {@link EventType#SANDBOX_RENAMED} by both; none: of all
 * @param types none: all. {@link EventType#EVENTS_LOST} always comes
 */
public record EventSpec(
        Optional<Start> start, boolean follow, Optional<Instant> until, Set<String> sandboxes, Set<EventType> types) {
    /** What comes from now on. */
    public static final EventSpec NEW = new EventSpec(Optional.empty(), true, Optional.empty(), Set.of(), Set.of());

    /** What is kept. */
    public static final EventSpec KEPT = new EventSpec(Optional.empty(), false, Optional.empty(), Set.of(), Set.of());

    public EventSpec {
        sandboxes = Set.copyOf(sandboxes);
        types = Set.copyOf(types);
    }

    /** Where it begins. */
    public sealed interface Start {}

    /** Behind the event, or the position, that had this cursor. */
    public record Behind(String cursor) implements Start {}

    /** At the first event that happened then or later. */
    public record Since(Instant time) implements Start {}

    public EventSpec behind(String cursor) {
        return new EventSpec(Optional.of(new Behind(cursor)), follow, until, sandboxes, types);
    }

    public EventSpec since(Instant time) {
        return new EventSpec(Optional.of(new Since(time)), follow, until, sandboxes, types);
    }

    public EventSpec until(Instant time) {
        return new EventSpec(start, follow, Optional.of(time), sandboxes, types);
    }

    public EventSpec ofSandboxes(Set<String> idsOrNames) {
        return new EventSpec(start, follow, until, idsOrNames, types);
    }

    public EventSpec ofTypes(Set<EventType> wanted) {
        return new EventSpec(start, follow, until, sandboxes, wanted);
    }
}
