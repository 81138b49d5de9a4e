package org.barchan.client;

import java.io.IOException;

/** Receives events, in order, each once, whichever agent they come from. */
@FunctionalInterface
public interface EventListener {
    /**
     * Something has happened.
     *
     * @throws IOException if it can't be taken: watching ends, and fails with this as its cause
     */
    void onEvent(Event event) throws IOException;

    /**
     * All before this has been told: who begins with this cursor again misses nothing. Comes first, and later on where many events were not asked for.
     */
    default void onPosition(String cursor) {}

    /** Events that were asked for, by their time, are not kept any more. */
    default void onIncomplete() {}
}
