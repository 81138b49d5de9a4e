package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.barchan.guest.v1.ReadStatsRequest;
import org.barchan.guest.v1.ReadStatsResponse;
import org.barchan.guest.v1.StatsServiceGrpc;
import org.barchan.host.port.GuestUsage;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.CpuStats;
import org.barchan.v1.DiskIoStats;
import org.barchan.v1.GuestStats;
import org.barchan.v1.MemoryStats;
import org.barchan.v1.ProcessState;
import org.barchan.v1.ProcessTableEntry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an agent takes of what a guest says that its sandbox takes. */
@Timeout(60)
final class GuestStatsTest extends StatsServiceGrpc.StatsServiceImplBase {
    private static final GuestStats STATS = GuestStats.newBuilder()
            .setUptimeMicros(1)
            .setCpu(CpuStats.newBuilder().setVcpus(2).setUserMicros(3).setIdleMicros(4))
            .setMemory(MemoryStats.newBuilder().setTotalBytes(10).setAvailableBytes(10))
            .setDiskIo(DiskIoStats.newBuilder().setReads(5))
            .setProcessCount(1000)
            .build();
    private static final ProcessTableEntry PROCESS = ProcessTableEntry.newBuilder()
            .setPid(2)
            .setUid(-1)
            .setNice(-20)
            .setName(bytes("\033x\377"))
            .addArgv(bytes("a"))
            .build();

    private final NettyGuestLink link = new NettyGuestLink();
    private final TestGuest peer;
    private final org.barchan.host.port.Guest guest;

    private volatile ReadStatsResponse response = ReadStatsResponse.getDefaultInstance();
    private volatile Optional<Status> failure = Optional.empty();

    GuestStatsTest(@TempDir Path directory) throws IOException {
        peer = new TestGuest(directory, Optional.of(this));
        guest = link.open(SandboxId.random(), peer.socket);
    }

    @AfterEach
    void stop() throws IOException {
        guest.close();
        link.close();
        peer.close();
    }

    @Override
    public void readStats(ReadStatsRequest request, StreamObserver<ReadStatsResponse> observer) {
        if (failure.isPresent()) {
            observer.onError(failure.get().asException());
            return;
        }
        observer.onNext(response);
        observer.onCompleted();
    }

    @Test
    void usage_ofAGuestThatRefuses_isItsError() {
        failure = Optional.of(Status.RESOURCE_EXHAUSTED.withDescription("read by\nothers"));
        SandboxException e = assertThrows(SandboxException.class, () -> guest.usage(0));
        assertEquals(SandboxException.Code.EXHAUSTED, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("read by\\u000aothers"), e::toString);
    }

    @Test
    void usage_figuresThatNoKernelHas_areRefused() {
        for (GuestStats.Builder bad : List.of(
                STATS.toBuilder().setUptimeMicros(-1),
                STATS.toBuilder().setUptimeMicros(Long.MAX_VALUE),
                STATS.toBuilder().setProcessCount(-1),
                STATS.toBuilder().setProcessCount(1 << 23),
                STATS.toBuilder().setCpu(CpuStats.newBuilder().setVcpus(-1)),
                STATS.toBuilder().setCpu(CpuStats.newBuilder().setVcpus(1025)),
                STATS.toBuilder().setCpu(CpuStats.newBuilder().setStealMicros(-1)),
                STATS.toBuilder().setMemory(MemoryStats.newBuilder().setTotalBytes(-1)),
                STATS.toBuilder()
                        .setMemory(MemoryStats.newBuilder().setTotalBytes(1).setAvailableBytes(2)),
                STATS.toBuilder()
                        .setMemory(MemoryStats.newBuilder().setTotalBytes(1).setSharedBytes(-2)),
                STATS.toBuilder().setDiskIo(DiskIoStats.newBuilder().setWrittenBytes(-1)))) {
            response = ReadStatsResponse.newBuilder().setStats(bad).build();
            refused(0);
        }
    }

    @Test
    void usage_processesThatNoKernelHas_areRefused() {
        ByteString nul = ByteString.copyFrom(new byte[1]);
        for (ProcessTableEntry.Builder bad : List.of(
                PROCESS.toBuilder().setPid(0),
                PROCESS.toBuilder().setPid(-1),
                PROCESS.toBuilder().setPid((1 << 22) + 1),
                PROCESS.toBuilder().setParentPid(-1),
                PROCESS.toBuilder().setStateValue(99),
                PROCESS.toBuilder().setThreads(-1),
                PROCESS.toBuilder().setNice(20),
                PROCESS.toBuilder().setNice(-21),
                PROCESS.toBuilder().setCpuMicros(-1),
                PROCESS.toBuilder().setResidentBytes(Long.MIN_VALUE),
                PROCESS.toBuilder().setName(bytes("x".repeat(65))),
                PROCESS.toBuilder().setName(nul),
                PROCESS.toBuilder().addArgv(nul),
                PROCESS.toBuilder().addArgv(bytes("x".repeat(2048))),
                PROCESS.toBuilder().addAllArgv(Collections.nCopies(2049, ByteString.EMPTY)))) {
            response = ReadStatsResponse.newBuilder()
                    .setStats(STATS)
                    .addProcesses(bad)
                    .build();
            refused(10);
        }
    }

    @Test
    void usage_moreProcessesThanWereAskedFor_orTwice_orOutOfOrder_orThanThereAre_isRefused() {
        response = processes(IntStream.of(2, 3));
        refused(1);
        refused(0);
        response = processes(IntStream.of(2, 2));
        refused(10);
        response = processes(IntStream.of(3, 2));
        refused(10);
        response = processes(IntStream.rangeClosed(1, 513));
        refused(Integer.MAX_VALUE);
        response = ReadStatsResponse.newBuilder().addProcesses(PROCESS).build();
        refused(10);
    }

    /** Such an entry has two bytes, and takes a hundred as an object. */
    @Test
    void usage_aHeapOfEmptyProcesses_isRefused_beforeItIsParsed() {
        ReadStatsResponse.Builder heap = ReadStatsResponse.newBuilder().setStats(STATS);
        for (int i = 0; i < 100_000; i++) {
            heap.addProcesses(ProcessTableEntry.getDefaultInstance());
        }
        response = heap.build();
        refused(StatsGuard.MAX_TABLE_BYTES);
    }

    @Test
    void usage_longerThanAnyHonestOne_isRefused() {
        byte[] much = new byte[StatsGuard.MAX_TABLE_BYTES];
        UnknownFieldSet unknown = UnknownFieldSet.newBuilder()
                .addField(
                        99,
                        UnknownFieldSet.Field.newBuilder()
                                .addLengthDelimited(ByteString.copyFrom(much))
                                .build())
                .build();
        response = ReadStatsResponse.newBuilder()
                .setStats(STATS)
                .setUnknownFields(unknown)
                .build();
        assertThrows(SandboxException.class, () -> guest.usage(512));
        response = processes(IntStream.rangeClosed(1, 500));
        SandboxException e = assertThrows(SandboxException.class, () -> guest.usage(0));
        assertTrue(String.valueOf(e.getMessage()).contains("exceeds maximum size"), e::toString);
        assertEquals(500, usage(500).processes().size());
    }

    @Test
    void usage_theLongestTable_isTaken() {
        ReadStatsResponse.Builder table = ReadStatsResponse.newBuilder().setStats(STATS);
        for (int pid = 1; pid <= 512; pid++) {
            table.addProcesses(ProcessTableEntry.newBuilder()
                    .setPid((1 << 22) - 512 + pid)
                    .setParentPid(1 << 22)
                    .setUid(-1)
                    .setState(ProcessState.PROCESS_STATE_ZOMBIE)
                    .setCpuMicros(1L << 56)
                    .setStartUptimeMicros(1L << 56)
                    .setResidentBytes(1L << 56)
                    .setVirtualBytes(1L << 56)
                    .setThreads(1 << 22)
                    .setNice(-20)
                    .setName(bytes("x".repeat(64)))
                    .addAllArgv(Collections.nCopies(257, ByteString.EMPTY)));
        }
        response = table.build();
        assertEquals(512, usage(512).processes().size());
    }

    @Test
    void usage_moreArgumentsThanMayBeInAll_isRefused() {
        ReadStatsResponse.Builder many = ReadStatsResponse.newBuilder().setStats(STATS);
        for (int pid = 1; pid <= 65; pid++) {
            many.addProcesses(ProcessTableEntry.newBuilder().setPid(pid).addArgv(bytes("x".repeat(2048))));
        }
        response = many.build();
        refused(100);
        response = many.removeProcesses(64).build();
        assertEquals(64, usage(100).processes().size());
    }

    @Test
    void usage_isPassedOn_withoutWhatIsNotKnown() {
        UnknownFieldSet unknown = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build();
        response = ReadStatsResponse.newBuilder()
                .setStats(STATS.toBuilder().setUnknownFields(unknown))
                .addProcesses(PROCESS.toBuilder().setUnknownFields(unknown))
                .build();
        assertEquals(new GuestUsage(STATS, List.of(PROCESS)), usage(1));
    }

    private GuestUsage usage(int processes) {
        try {
            return guest.usage(processes);
        } catch (SandboxException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void refused(int processes) {
        SandboxException e = assertThrows(SandboxException.class, () -> guest.usage(processes), response::toString);
        assertEquals(SandboxException.Code.LOST, e.code(), e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains("guest sent"), e::toString);
    }

    private static ReadStatsResponse processes(IntStream pids) {
        return ReadStatsResponse.newBuilder()
                .setStats(STATS)
                .addAllProcesses(
                        pids.mapToObj(pid -> PROCESS.toBuilder().setPid(pid).build())
                                .toList())
                .build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFrom(text, java.nio.charset.StandardCharsets.ISO_8859_1);
    }
}
