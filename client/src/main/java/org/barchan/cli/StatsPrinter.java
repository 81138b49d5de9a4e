package org.barchan.cli;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.barchan.client.BarchanException;
import org.barchan.client.SandboxStats;
import org.jspecify.annotations.Nullable;

/** Prints what sandboxes take each time that it was read. For one thread. */
final class StatsPrinter implements Predicate<List<SandboxStats>> {
    /** Makes a terminal empty, and goes to its beginning. */
    private static final byte[] CLEAR = "\033[H\033[2J".getBytes(StandardCharsets.US_ASCII);

    private final boolean once;
    private final boolean json;
    /** By the ids of sandboxes. */
    private Map<String, SandboxStats> before = Map.of();

    private @Nullable List<SandboxStats> unprinted;
    private @Nullable BarchanException failure;

    /** @param once whether it has enough when it has printed once, which takes two readings */
    StatsPrinter(boolean once, boolean json) {
        this.once = once;
        this.json = json;
    }

    /** Returns whether there is to be more. */
    @Override
    public boolean test(List<SandboxStats> all) {
        try {
            if (once && unprinted == null) {
                unprinted = all;
            } else {
                unprinted = null;
                print(all);
                if (once) {
                    return false;
                }
            }
        } catch (BarchanException e) {
            failure = e;
            return false;
        }
        Map<String, SandboxStats> known = new HashMap<>();
        all.forEach(stats -> known.put(stats.id(), stats));
        before = known;
        return true;
    }

    private void print(List<SandboxStats> all) throws BarchanException {
        if (json) {
            Messages.result(StatsReport.json(all, before) + "\n");
            return;
        }
        if (!once && StandardFiles.STDOUT.isTerminal()) {
            Messages.result(ByteBuffer.wrap(CLEAR));
        }
        Messages.result(StatsReport.text(all, before));
    }

    /**
     * Nothing more comes.
     *
     * @throws BarchanException when something could not be printed
     */
    void end() throws BarchanException {
        if (failure != null) {
            throw failure;
        }
        if (unprinted != null) {
            // What was named has ended since.
            before = Map.of();
            print(unprinted);
        }
    }
}
