package org.barchan.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.barchan.client.Run;
import org.jspecify.annotations.Nullable;

/** When what of a run was done, here and in the agent. Thread-safe. */
final class Timing {
    private static final String CALLED = "called";
    /** What a step of the guest's begins with. */
    private static final String GUEST = "guest: ";

    private static final double MICROS_PER_MILLI = 1000;

    /** Microseconds since this program was loaded. */
    private final Map<String, Long> marks = new LinkedHashMap<>();

    private @Nullable Run run;

    /** Notes that the agent has been told of a run just now. */
    synchronized Run begin(Run begun) {
        mark(CALLED);
        run = begun;
        return begun;
    }

    /** Notes that something was done now, unless it was before. */
    synchronized void mark(String what) {
        marks.putIfAbsent(what, NativeCalls.age());
    }

    /** Says on standard error what is known: when, how long after the one before, what. */
    synchronized void print() {
        mark("end of barchan");
        Map<String, Long> all = new LinkedHashMap<>(marks);
        Run told = run;
        if (told != null) {
            // Both run on this host: what passes between the call here and its arrival there is lost in the first of
            // the agent's.
            told.timing()
                    .forEach((what, after) -> all.put(
                            what.startsWith(GUEST) ? what : "agent: " + what,
                            marks.getOrDefault(CALLED, 0L) + after.toNanos() / 1000));
        }
        Messages.line(
                "barchan: timing: milliseconds since barchan was executed, since the line above, and what was reached");
        long[] before = {0};
        all.entrySet().stream().sorted(Map.Entry.comparingByValue()).forEach(mark -> {
            Messages.line("%10.1f %+10.1f  %s"
                    .formatted(
                            mark.getValue() / MICROS_PER_MILLI,
                            (mark.getValue() - before[0]) / MICROS_PER_MILLI,
                            mark.getKey()));
            before[0] = mark.getValue();
        });
    }
}
