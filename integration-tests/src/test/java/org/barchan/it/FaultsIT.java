package org.barchan.it;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Whatever dies or stands still for a while, nothing is lost: each fault once, in some order; {@code build/soak faults} has as many as one likes. */
class FaultsIT {
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
        List<Faults.Fault> each = new ArrayList<>(List.of(Faults.Fault.values()));
        Collections.shuffle(each, new Random(seed));
        try (Faults faults = new Faults(barchan, seed)) {
            for (Faults.Fault wrong : each) {
                long begun = System.nanoTime();
                String fault = faults.round(wrong);
                System.out.printf(
                        "faults: %s: all goes on after %d ms%n", fault, (System.nanoTime() - begun) / 1_000_000);
            }
            faults.finish();
        }
    }
}
