package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** KVM is used where it works, which only a guest that has booted proves. */
class AcceleratorIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void kvm_whereItIsBroken_saysSoAndWhatWouldDo_andAutoFallsBackWithOneLine() {
        Result kvm = barchan.call("run", "--accel", "kvm", "--output", "json", "--", "true");
        Result auto = barchan.call("run", "--accel", "auto", "--output", "json", "--", "true")
                .expect(0);
        if (kvm.status() == 0) {
            assertEquals("kvm", accelerator(kvm));
            assertEquals("kvm", accelerator(auto));
            assertEquals("", auto.err());
        } else {
            kvm.expect(125).expectStderr("kvm", "tcg");
            assertEquals("tcg", accelerator(auto));
            List<String> lines = auto.err().lines().toList();
            assertEquals(1, lines.size(), auto::toString);
            auto.expectStderr("kvm", "tcg|emulat");
            // The verdict is remembered: asking again costs no further trial, which takes ten seconds.
            Result again = barchan.call("run", "--accel", "kvm", "--", "true").expect(125);
            assertTrue(again.took().compareTo(Duration.ofSeconds(9)) < 0, again::toString);
        }
    }

    @Test
    void tcg_asked_saysNothing() {
        Result tcg = barchan.call("run", "--accel", "tcg", "--", "true").expect(0);
        assertEquals("", tcg.err());
    }

    private static String accelerator(Result run) {
        return run.json().getAsJsonObject("sandbox").get("accelerator").getAsString();
    }
}
