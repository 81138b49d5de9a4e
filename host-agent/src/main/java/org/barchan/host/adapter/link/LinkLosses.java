package org.barchan.host.adapter.link;

/** Counts how often the link was lost under one call, so that a guest that breaks it for ever is given up. Not thread-safe. */
final class LinkLosses {
    /** An honest link is lost when the agent is, so hardly ever: this is for tests and faulty hosts. */
    private static final int MAX_WITHOUT_PROGRESS = 50;

    private int losses;

    /** Notes a loss; returns whether to try again. */
    boolean another() {
        return ++losses <= MAX_WITHOUT_PROGRESS;
    }

    /** Notes that the call got on. */
    void progress() {
        losses = 0;
    }
}
