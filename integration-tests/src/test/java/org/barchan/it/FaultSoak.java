package org.barchan.it;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Random faults under kept sandboxes, as {@link Faults} has them, for as many rounds as wished.
 *
 * <p>Arguments: the rounds, 200 if none are given; the seed of a soak to be repeated.
 */
public final class FaultSoak {
    private FaultSoak() {}

    /** Soaks, prints what came of it, and ends with status 1 if anything was wrong, with 2 if the arguments are. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rounds = (int) Soak.number("rounds", arguments, 0, 200);
        long seed = Soak.number("seed", arguments, 1, 1 + System.nanoTime() % 1_000_000);
        System.out.println("soak: " + rounds + " faults, seed " + seed);
        Path parent = Installation.makeParent();
        Barchan barchan = Barchan.in(Installation.in(parent, "r"));
        boolean right = false;
        try (Faults faults = new Faults(barchan, seed)) {
            for (int round = 1; round <= rounds; round++) {
                long begun = System.nanoTime();
                String fault = faults.round();
                System.out.printf(
                        "soak: round %d of %d: %s: all goes on after %d ms; the agent: %s%n",
                        round, rounds, fault, (System.nanoTime() - begun) / 1_000_000, Footprint.of(barchan.agent()));
            }
            faults.finish();
            right = true;
        } catch (AssertionError e) {
            System.out.println("soak: " + e + "\n" + barchan.installation().agentLog());
        } finally {
            barchan.end();
            Barchan.deleteTree(parent);
        }
        System.out.println(right ? "soak: passed" : "soak: FAILED, with seed " + seed);
        System.exit(right ? 0 : 1);
    }
}
