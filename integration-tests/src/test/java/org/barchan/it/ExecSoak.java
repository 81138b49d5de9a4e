package org.barchan.it;

import java.io.IOException;
import java.nio.file.Path;
import org.barchan.client.BarchanException;

/**
 * Many short processes in one sandbox: a hundred at the same time, then one after the other, for as many as wished.
 *
 * <p>Argument: how many follow the hundred, 10,000 if none is given.
 */
public final class ExecSoak {
    private static final int AT_ONCE = 100;
    private static final int EACH_ROUND = 1000;

    private ExecSoak() {}

    /** Soaks, prints what came of it, and ends with status 1 if anything was wrong, with 2 if the argument is. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int count = (int) Soak.number("execs", arguments, 0, 10_000);
        Path parent = Installation.makeParent();
        Barchan barchan = Barchan.in(Installation.in(parent, "r"));
        boolean right = false;
        try {
            run(barchan, count);
            right = true;
        } catch (AssertionError | BarchanException e) {
            System.out.println("soak: " + e + "\n" + barchan.installation().agentLog());
        } finally {
            barchan.end();
            Barchan.deleteTree(parent);
        }
        System.out.println(right ? "soak: passed" : "soak: FAILED");
        System.exit(right ? 0 : 1);
    }

    private static void run(Barchan barchan, int count) throws IOException, InterruptedException, BarchanException {
        try (ManyExecs execs = new ManyExecs(barchan)) {
            long begun = System.nanoTime();
            execs.atOnce(AT_ONCE);
            ManyExecs.Held first = execs.held();
            System.out.printf("soak: %d execs at once took %d ms; %s%n", AT_ONCE, millisSince(begun), first);
            for (int done = 0; done < count; done += EACH_ROUND) {
                begun = System.nanoTime();
                int round = Math.min(EACH_ROUND, count - done);
                execs.inTurn(round);
                ManyExecs.Held now = execs.held();
                System.out.printf(
                        "soak: %d of %d execs, the last %d in %d ms; %s%n",
                        done + round, count, round, millisSince(begun), now);
                now.assertNotGrownSince(first);
            }
        }
    }

    private static long millisSince(long begun) {
        return (System.nanoTime() - begun) / 1_000_000;
    }
}
