package org.barchan.it;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many processes in one sandbox, at once and one after the other; {@code build/soak execs} has ten times as many. */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class ManyExecsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void aHundredAtOnce_thenAThousandInTurn_areRight_andNothingGrows() throws Exception {
        try (ManyExecs execs = new ManyExecs(barchan)) {
            execs.atOnce(100);
            ManyExecs.Held first = execs.held();
            execs.inTurn(1000);
            execs.held().assertNotGrownSince(first);
        }
    }
}
