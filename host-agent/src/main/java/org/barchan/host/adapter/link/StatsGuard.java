package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.LongStream;
import org.barchan.guest.v1.ReadStatsResponse;
import org.barchan.host.port.GuestUsage;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.CpuStats;
import org.barchan.v1.DiskIoStats;
import org.barchan.v1.GuestStats;
import org.barchan.v1.MemoryStats;
import org.barchan.v1.ProcessState;
import org.barchan.v1.ProcessTableEntry;

/**
 * Watches over what a guest says that its sandbox takes: that it takes little memory here, and each figure is one that a kernel can have.
 */
final class StatsGuard {
    /** No honest guest needs as much for a reading without processes. */
    static final int MAX_STATS_BYTES = 4 * 1024;

    /** As much as arguments without a byte take, and all else of the most processes. */
    static final int MAX_TABLE_BYTES = 384 * 1024;

    /** What is not known takes most memory, though not for long: in all of this process it is parsed for one guest at a time. */
    private static final Lock PARSING = new ReentrantLock();

    /** Of bytes and microseconds: who adds some of them up, or takes a difference, stays within a long. */
    private static final long MOST = 1L << 56;

    private static final int MAX_VCPUS = 1024;
    /** As many numbers for processes and threads as there are. */
    private static final int MAX_PID = 1 << 22;

    private static final int MAX_NICE = 20;
    private static final int MAX_NAME = 64;
    private static final int MAX_PROCESSES = 512;
    private static final int MAX_ARGUMENT_BYTES = 2048;
    private static final int MAX_ARGUMENTS_BYTES = 128 * 1024;

    private final String action;

    /** @param action what was tried, for messages */
    StatsGuard(String action) {
        this.action = action;
    }

    /**
     * Returns what is known of what a guest says, and nothing else.
     *
     * @param maxProcesses how many processes it was asked for
     * @throws SandboxException {@code LOST} when no honest guest says that
     */
    GuestUsage usage(ByteString response, int maxProcesses) throws SandboxException {
        int most = Math.min(maxProcesses, MAX_PROCESSES);
        PARSING.lock();
        try {
            checkCount(response, most);
            return usage(ReadStatsResponse.parseFrom(response), most);
        } catch (IOException e) {
            throw bad("no statistics: " + e.getMessage());
        } finally {
            PARSING.unlock();
        }
    }

    /** An empty one has two bytes, and takes a hundred once it is parsed. */
    private void checkCount(ByteString response, int most) throws SandboxException, IOException {
        CodedInputStream fields = response.newCodedInput();
        int processes = 0;
        for (int tag = fields.readTag(); tag != 0; tag = fields.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == ReadStatsResponse.PROCESSES_FIELD_NUMBER) {
                processes++;
            }
            if (processes > most) {
                throw bad("more processes than it was asked for (expected: at most " + most + ")");
            }
            if (!fields.skipField(tag)) {
                throw bad("a group that ends before it has begun");
            }
        }
    }

    private GuestUsage usage(ReadStatsResponse response, int most) throws SandboxException {
        GuestStats stats = stats(response.getStats());
        List<ProcessTableEntry> told = response.getProcessesList();
        if (told.size() > stats.getProcessCount()) {
            throw bad(told.size() + " processes (expected: at most " + Math.min(most, stats.getProcessCount()) + ")");
        }
        List<ProcessTableEntry> processes = new ArrayList<>();
        long bytes = 0;
        int last = 0;
        for (ProcessTableEntry process : told) {
            if (process.getPid() <= last) {
                throw bad("the processes " + last + " and " + process.getPid() + " (expected: in order)");
            }
            last = process.getPid();
            bytes += argumentBytes(process);
            processes.add(process(process));
        }
        if (bytes > MAX_ARGUMENTS_BYTES) {
            throw bad(bytes + " bytes of arguments (expected: at most " + MAX_ARGUMENTS_BYTES + ")");
        }
        return new GuestUsage(stats, processes);
    }

    private GuestStats stats(GuestStats stats) throws SandboxException {
        require("an uptime", stats.getUptimeMicros());
        require("processes", stats.getProcessCount(), 0, MAX_PID);
        return GuestStats.newBuilder()
                .setUptimeMicros(stats.getUptimeMicros())
                .setCpu(cpu(stats.getCpu()))
                .setMemory(memory(stats.getMemory()))
                .setDiskIo(diskIo(stats.getDiskIo()))
                .setProcessCount(stats.getProcessCount())
                .build();
    }

    private CpuStats cpu(CpuStats cpu) throws SandboxException {
        require("virtual CPUs", cpu.getVcpus(), 0, MAX_VCPUS);
        require(
                "times of CPUs",
                cpu.getUserMicros(),
                cpu.getSystemMicros(),
                cpu.getIdleMicros(),
                cpu.getIowaitMicros(),
                cpu.getStealMicros());
        return CpuStats.newBuilder()
                .setVcpus(cpu.getVcpus())
                .setUserMicros(cpu.getUserMicros())
                .setSystemMicros(cpu.getSystemMicros())
                .setIdleMicros(cpu.getIdleMicros())
                .setIowaitMicros(cpu.getIowaitMicros())
                .setStealMicros(cpu.getStealMicros())
                .build();
    }

    private MemoryStats memory(MemoryStats memory) throws SandboxException {
        long total = memory.getTotalBytes();
        require("memory", total);
        for (long part : new long[] {
            memory.getAvailableBytes(), memory.getFreeBytes(), memory.getCachedBytes(), memory.getSharedBytes()
        }) {
            if (part < 0 || part > total) {
                throw bad("more of its memory than there is");
            }
        }
        return MemoryStats.newBuilder()
                .setTotalBytes(total)
                .setAvailableBytes(memory.getAvailableBytes())
                .setFreeBytes(memory.getFreeBytes())
                .setCachedBytes(memory.getCachedBytes())
                .setSharedBytes(memory.getSharedBytes())
                .build();
    }

    private DiskIoStats diskIo(DiskIoStats io) throws SandboxException {
        require("what was read and written", io.getReadBytes(), io.getWrittenBytes(), io.getReads(), io.getWrites());
        return DiskIoStats.newBuilder()
                .setReadBytes(io.getReadBytes())
                .setWrittenBytes(io.getWrittenBytes())
                .setReads(io.getReads())
                .setWrites(io.getWrites())
                .build();
    }

    private int argumentBytes(ProcessTableEntry process) throws SandboxException {
        // Each has had a NUL behind it but the last one, perhaps.
        int bytes = process.getArgvList().stream()
                        .mapToInt(argument -> argument.size() + 1)
                        .sum()
                - 1;
        if (bytes > MAX_ARGUMENT_BYTES || process.getArgvList().stream().anyMatch(StatsGuard::holdsNul)) {
            throw bad("arguments that no process has here: " + bytes + " bytes");
        }
        return Math.max(0, bytes);
    }

    private ProcessTableEntry process(ProcessTableEntry process) throws SandboxException {
        require("the number of a process", process.getPid(), 1, MAX_PID);
        require("the number of a parent", process.getParentPid(), 0, MAX_PID);
        require("threads of a process", process.getThreads(), 0, MAX_PID);
        require("a nice value", process.getNice(), -MAX_NICE, MAX_NICE - 1);
        require("bytes in the name of a process", process.getName().size(), 0, MAX_NAME);
        require(
                "figures of a process",
                process.getCpuMicros(),
                process.getStartUptimeMicros(),
                process.getResidentBytes(),
                process.getVirtualBytes());
        if (process.getState() == ProcessState.UNRECOGNIZED || holdsNul(process.getName())) {
            throw bad("a process like none that there is");
        }
        return ProcessTableEntry.newBuilder()
                .setPid(process.getPid())
                .setParentPid(process.getParentPid())
                .setUid(process.getUid())
                .setState(process.getState())
                .setCpuMicros(process.getCpuMicros())
                .setStartUptimeMicros(process.getStartUptimeMicros())
                .setResidentBytes(process.getResidentBytes())
                .setVirtualBytes(process.getVirtualBytes())
                .setThreads(process.getThreads())
                .setNice(process.getNice())
                .setName(process.getName())
                .addAllArgv(process.getArgvList())
                .build();
    }

    private static boolean holdsNul(ByteString bytes) {
        for (int i = 0; i < bytes.size(); i++) {
            if (bytes.byteAt(i) == 0) {
                return true;
            }
        }
        return false;
    }

    /** The wire has no sign. */
    private void require(String what, long... figures) throws SandboxException {
        if (LongStream.of(figures).anyMatch(figure -> figure < 0 || figure > MOST)) {
            throw bad(what + " out of bounds");
        }
    }

    private void require(String what, int value, int least, int most) throws SandboxException {
        if (value < least || value > most) {
            throw bad(Integer.toUnsignedString(value) + " as " + what + " (expected: " + least + " to " + most + ")");
        }
    }

    private SandboxException bad(String what) {
        return CheckedMessages.bad(action, what);
    }
}
