package org.barchan.guest.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ReadStatsResponse;
import org.barchan.v1.ProcessTableEntry;
import org.junit.jupiter.api.Test;

final class SandboxStatsTest {
    private final FakeProc proc = new FakeProc();
    private final SandboxStats stats = new SandboxStats(proc);

    private static List<Integer> pids(ReadStatsResponse response) {
        return response.getProcessesList().stream()
                .map(ProcessTableEntry::getPid)
                .toList();
    }

    @Test
    void read_processThatHasEndedMeanwhile_isLeftOut() throws Exception {
        proc.process(2, "");
        proc.process(3, "");
        proc.process(4, "");
        proc.sandbox.remove("2/stat");
        proc.sandbox.remove("3/cmdline");

        ReadStatsResponse response = stats.read(10);

        assertEquals(List.of(4), pids(response));
        assertEquals(3, response.getStats().getProcessCount());
    }

    @Test
    void read_withoutWhatEachKernelHas_fails() {
        proc.guest.remove("meminfo");
        assertThrows(Errno.class, () -> stats.read(0));
    }

    @Test
    void read_namesThatAreNoProcesses_areNotLookedAt() throws Exception {
        proc.names.addAll(List.of("12x", "1234567890123", "-5"));
        assertEquals(0, stats.read(10).getStats().getProcessCount());
    }

    @Test
    void read_tellsOfTheLowestNumbers_andNotOfBarchansInit() throws Exception {
        proc.process(10, "ten\0");
        proc.process(9, "nine\0");
        proc.process(100, "hundred\0");

        assertEquals(List.of(9, 10), pids(stats.read(2)));
        assertEquals(List.of(), pids(stats.read(0)));
        assertEquals(3, stats.read(0).getStats().getProcessCount());
        assertEquals(
                List.of(ByteString.copyFromUtf8("nine")),
                stats.read(1).getProcesses(0).getArgvList());
        assertEquals(2, stats.read(1).getProcesses(0).getUid());
    }

    @Test
    void read_howeverMuchThereIs_isBounded() throws Exception {
        // Each argument is empty, which costs most.
        String longest = "\0".repeat(3 * SandboxStats.MAX_ARGUMENT_BYTES);
        for (int pid = 2; pid < 2000; pid++) {
            proc.process(pid, longest);
        }

        ReadStatsResponse response = stats.read(Integer.MAX_VALUE);

        assertEquals(SandboxStats.MAX_PROCESSES, response.getProcessesCount());
        assertEquals(SandboxStats.MAX_ARGUMENT_BYTES, response.getProcesses(0).getArgvCount());
        assertEquals(
                SandboxStats.MAX_ARGUMENTS_BYTES,
                response.getProcessesList().stream()
                        .mapToInt(ProcessTableEntry::getArgvCount)
                        .sum());
        // What the agent takes of a guest at once.
        assertTrue(response.getSerializedSize() < 512 << 10, response.getSerializedSize() + " bytes");
    }
}
