package org.barchan.client.internal;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.barchan.client.GuestUsage;
import org.barchan.client.HostUsage;
import org.barchan.client.ProcessTable;
import org.barchan.client.RawText;
import org.barchan.client.SandboxStats;
import org.barchan.v1.CpuStats;
import org.barchan.v1.DiskIoStats;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.GuestStats;
import org.barchan.v1.HostStats;
import org.barchan.v1.MemoryStats;
import org.barchan.v1.ProcessState;
import org.barchan.v1.ProcessTableEntry;

/** Turns what the API says that sandboxes take into what the library gives back. */
final class StatsMapping {
    private StatsMapping() {}

    static SandboxStats fromProto(org.barchan.v1.SandboxStats proto) {
        return new SandboxStats(
                proto.getId(),
                proto.getName(),
                ResultMapping.fromProto(proto.getState()),
                ResultMapping.fromProto(proto.getTime()),
                proto.hasHost() ? Optional.of(fromProto(proto.getHost())) : Optional.empty(),
                proto.getHostProblem(),
                proto.hasGuest() ? Optional.of(fromProto(proto.getGuest())) : Optional.empty(),
                proto.getGuestProblem());
    }

    private static HostUsage fromProto(HostStats host) {
        return new HostUsage(micros(host.getReadMicros()), micros(host.getCpuMicros()), host.getResidentBytes());
    }

    private static GuestUsage fromProto(GuestStats guest) {
        CpuStats cpu = guest.getCpu();
        MemoryStats memory = guest.getMemory();
        DiskIoStats io = guest.getDiskIo();
        return new GuestUsage(
                micros(guest.getUptimeMicros()),
                new GuestUsage.Cpu(
                        cpu.getVcpus(),
                        micros(cpu.getUserMicros()),
                        micros(cpu.getSystemMicros()),
                        micros(cpu.getIdleMicros()),
                        micros(cpu.getIowaitMicros()),
                        micros(cpu.getStealMicros())),
                new GuestUsage.Memory(
                        memory.getTotalBytes(),
                        memory.getAvailableBytes(),
                        memory.getFreeBytes(),
                        memory.getCachedBytes(),
                        memory.getSharedBytes()),
                new GuestUsage.DiskIo(io.getReadBytes(), io.getWrittenBytes(), io.getReads(), io.getWrites()),
                guest.getProcessCount());
    }

    static ProcessTable fromProto(GetProcessTableResponse proto) {
        return new ProcessTable(
                proto.getProcessesList().stream().map(StatsMapping::fromProto).toList(),
                proto.getTruncated(),
                micros(proto.getUptimeMicros()));
    }

    private static ProcessTable.Entry fromProto(ProcessTableEntry proto) {
        return new ProcessTable.Entry(
                proto.getPid(),
                proto.getParentPid(),
                Integer.toUnsignedLong(proto.getUid()),
                fromProto(proto.getState()),
                micros(proto.getCpuMicros()),
                micros(proto.getStartUptimeMicros()),
                proto.getResidentBytes(),
                proto.getVirtualBytes(),
                proto.getThreads(),
                proto.getNice(),
                RawText.decode(proto.getName().toByteArray()),
                proto.getArgvList().stream()
                        .map(word -> RawText.decode(word.toByteArray()))
                        .toList());
    }

    private static ProcessTable.State fromProto(ProcessState state) {
        return switch (state) {
            case PROCESS_STATE_RUNNING -> ProcessTable.State.RUNNING;
            case PROCESS_STATE_SLEEPING -> ProcessTable.State.SLEEPING;
            case PROCESS_STATE_UNINTERRUPTIBLE -> ProcessTable.State.UNINTERRUPTIBLE;
            case PROCESS_STATE_STOPPED -> ProcessTable.State.STOPPED;
            case PROCESS_STATE_ZOMBIE -> ProcessTable.State.ZOMBIE;
            case PROCESS_STATE_IDLE -> ProcessTable.State.IDLE;
            case PROCESS_STATE_UNSPECIFIED, UNRECOGNIZED -> ProcessTable.State.UNKNOWN;
        };
    }

    private static Duration micros(long micros) {
        return Duration.of(micros, ChronoUnit.MICROS);
    }
}
