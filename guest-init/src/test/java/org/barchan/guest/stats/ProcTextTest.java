package org.barchan.guest.stats;

import static org.barchan.guest.stats.FakeProc.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import java.util.List;
import org.barchan.v1.CpuStats;
import org.barchan.v1.DiskIoStats;
import org.barchan.v1.MemoryStats;
import org.barchan.v1.ProcessState;
import org.barchan.v1.ProcessTableEntry;
import org.junit.jupiter.api.Test;

final class ProcTextTest {
    @Test
    void cpu_cutOrOfAnOldKernel_countsWhatIsThere() {
        assertEquals(CpuStats.getDefaultInstance(), ProcText.cpu(bytes("")));
        assertEquals(CpuStats.getDefaultInstance(), ProcText.cpu(bytes("intr 1 2 3\ncpu 1 2 3")));
        assertEquals(
                CpuStats.newBuilder()
                        .setUserMicros(30_000)
                        .setSystemMicros(30_000)
                        .build(),
                ProcText.cpu(bytes("cpu  1 2 3")));
    }

    @Test
    void cpu_sumsUpWhatBelongsTogether() {
        assertEquals(
                CpuStats.newBuilder()
                        .setVcpus(2)
                        .setUserMicros(30_000)
                        .setSystemMicros(160_000)
                        .setIdleMicros(40_000)
                        .setIowaitMicros(50_000)
                        .setStealMicros(80_000)
                        .build(),
                ProcText.cpu(bytes("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1\ncpu1 1 1\nintr 55 0\nctxt 1\n")));
    }

    @Test
    void memory_takesWhatItKnows() {
        assertEquals(MemoryStats.getDefaultInstance(), ProcText.memory(bytes("nonsense\n\n:\nMemTotal:")));
        assertEquals(
                MemoryStats.newBuilder()
                        .setTotalBytes(100 << 10)
                        .setFreeBytes(10 << 10)
                        .setAvailableBytes(50 << 10)
                        .setCachedBytes(33 << 10)
                        .setSharedBytes(5 << 10)
                        .build(),
                ProcText.memory(bytes("MemTotal:         100 kB\nMemFree:  10 kB\nMemAvailable: 50 kB\nBuffers: 3 kB\n"
                        + "Cached: 30 kB\nSwapCached: 7 kB\nShmem: 5 kB\nShmemHugePages: 9 kB\n")));
    }

    @Test
    void disks_countEachDiskOnce_andNoOtherDevices() {
        assertEquals(
                DiskIoStats.newBuilder()
                        .setReads(11)
                        .setReadBytes(12 * 512)
                        .setWrites(13)
                        .setWrittenBytes(14 * 512)
                        .build(),
                ProcText.disks(bytes("""
                           7       0 loop0 9 9 9 9 9 9 9 9 9 9 9
                         254       0 vda 10 0 10 1 10 0 10 1 0 1 2 0 0 0 0
                         254       1 vda1 9 9 9 9 9 9 9 9 9 9 9
                         254      16 vdaa 1 0 2 0 3 0 4 0 0 0 0
                         254      17 vdb
                        """)));
    }

    @Test
    void process_withoutAName_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> ProcText.process(5, bytes("")));
        assertThrows(IllegalArgumentException.class, () -> ProcText.process(5, bytes("5 )x( S 1")));
    }

    @Test
    void process_whoseNameLooksLikeFigures_isReadBehindIt() {
        ProcessTableEntry process = ProcText.process(
                        5,
                        bytes(
                                "5 (x) R 9 (\377) Z 4 5 5 0 -1 4194560 1 0 0 0 7 8 0 0 39 19 3 0 100 8192 2 18446744073709551615"))
                .build();
        assertEquals(
                ProcessTableEntry.newBuilder()
                        .setPid(5)
                        .setName(ByteString.copyFrom(bytes("x) R 9 (\377")))
                        .setState(ProcessState.PROCESS_STATE_ZOMBIE)
                        .setParentPid(4)
                        .setCpuMicros(150_000)
                        .setNice(19)
                        .setThreads(3)
                        .setStartUptimeMicros(1_000_000)
                        .setVirtualBytes(8192)
                        .setResidentBytes(8192)
                        .build(),
                process);
        assertEquals(
                ProcessState.PROCESS_STATE_UNSPECIFIED,
                ProcText.process(5, bytes("5 () W")).getState());
    }

    @Test
    void uid_isTheEffectiveOne() {
        assertEquals(0, ProcText.uid(bytes("Name:\tx\n")));
        assertEquals(2, ProcText.uid(bytes("Name:\tUid:\\n\nUid:\t1\t2\t3\t4\nGid:\t9\n")));
    }

    @Test
    void arguments_mayBeEmpty_cut_orNone() {
        assertEquals(List.of(), ProcText.arguments(bytes("")));
        assertEquals(List.of(ByteString.copyFromUtf8("title")), ProcText.arguments(bytes("title")));
        assertEquals(
                List.of(ByteString.copyFromUtf8("a"), ByteString.EMPTY, ByteString.copyFromUtf8("b")),
                ProcText.arguments(bytes("a\0\0b")));
    }
}
