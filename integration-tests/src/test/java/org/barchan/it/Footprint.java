package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** What an agent holds while it has nothing to do. */
record Footprint(long pid, long residentKibibytes, int openFiles) {
    private static final double MOST_GROWTH = 1.5;

    static Footprint of(HostProcess agent) {
        return new Footprint(agent.pid(), agent.residentKibibytes(), agent.openFiles());
    }

    void assertNotGrownSince(Footprint first) {
        assertTrue(
                residentKibibytes <= first.residentKibibytes * MOST_GROWTH
                        && openFiles <= first.openFiles * MOST_GROWTH,
                "the agent has grown by more than half: " + first + ", then " + this);
    }

    @Override
    public String toString() {
        return residentKibibytes / 1024 + " MiB resident, " + openFiles + " open files";
    }
}
