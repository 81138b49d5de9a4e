package org.barchan.guest.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutOfMemoryTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ";",
                "3",
                "3,12,5,-",
                "6,339,5140900,-;NET: Registered PF_INET6 protocol family\n",
                // Written by a process.
                "12,340,5690716,-;Out of memory: Killed process 12 (sh)\n",
                "3,341,5690716,-;oom_reaper: Killed process 12 (sh)\n",
                "3,342,5690716,-;Out of memory: Killed process  (sh)\n",
                "3,343,5690716,-;Out of memory: Killed process 99999999999999999999 (sh)\n",
                "3,344,5690716,-;something\n SUBSYSTEM=Out of memory: Killed process 12\n"
            })
    void otherRecords_sayNothing(String entry) {
        assertEquals(OptionalInt.empty(), OutOfMemory.killed(entry));
    }

    @Test
    void kernelsRecord_namesTheProcess() {
        assertEquals(
                OptionalInt.of(4217),
                OutOfMemory.killed(
                        "3,345,5690716,-,caller=T88;Out of memory: Killed process 4217 (tail) total-vm:400kB,"
                                + " anon-rss:0kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:44kB oom_score_adj:0\n"));
        assertEquals(
                OptionalInt.of(7),
                OutOfMemory.killed("3,346,1,-;Memory cgroup out of memory: Killed process 7 (a;b) total-vm:1kB\n"));
    }
}
