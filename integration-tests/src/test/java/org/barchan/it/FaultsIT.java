package org.barchan.it;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Whatever dies or stands still for a while, nothing is lost: some random rounds; {@code build/soak faults} has as many as one likes. */
class FaultsIT {
    private static final int ROUNDS = 10;

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterEach
    void deleteAll() {
        barchan.sandboxNames().forEach(name -> barchan.call("delete", name));
        barchan.awaitNoSandbox();
    }

    @Test
    void streams_areWhole_whateverDies() throws InterruptedException {
        long seed = 1 + System.nanoTime() % 1_000_000;
        System.out.println("faults: seed " + seed);
        try (Faults faults = new Faults(barchan, seed)) {
            for (int round = 1; round <= ROUNDS; round++) {
                long begun = System.nanoTime();
                String fault = faults.round();
                System.out.printf(
                        "faults: %s: all goes on after %d ms%n", fault, (System.nanoTime() - begun) / 1_000_000);
            }
            faults.finish();
        }
    }
}
