package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import org.barchan.host.port.MachineUsage;
import org.junit.jupiter.api.Test;

final class ProcessUsageTest {
    @Test
    void read_ofNoProcess_fails() {
        assertThrows(IOException.class, () -> ProcessUsage.read(Integer.MAX_VALUE));
        assertThrows(NumberFormatException.class, () -> ProcessUsage.parse(""));
        assertThrows(NumberFormatException.class, () -> ProcessUsage.parse("1 (qemu) S 1 2"));
    }

    @Test
    void parse_nameThatLooksLikeFigures_isPassedOver() {
        assertEquals(
                new MachineUsage(Duration.ofMillis(150), 8192),
                ProcessUsage.parse(
                        "5 (x) R 9 () S 4 5 5 0 -1 0 1 0 0 0 7 8 0 0 20 0 3 0 100 8192 2 18446744073709551615"));
    }

    @Test
    void read_ofThisProcess_isMoreThanNothing() throws Exception {
        MachineUsage usage = ProcessUsage.read(ProcessHandle.current().pid());
        assertTrue(usage.cpu().isPositive(), usage::toString);
        assertTrue(usage.residentBytes() > 1 << 20, usage::toString);
    }
}
