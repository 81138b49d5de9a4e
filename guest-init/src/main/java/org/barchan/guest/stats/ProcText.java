package org.barchan.guest.stats;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.barchan.v1.CpuStats;
import org.barchan.v1.DiskIoStats;
import org.barchan.v1.MemoryStats;
import org.barchan.v1.ProcessState;
import org.barchan.v1.ProcessTableEntry;

/** Reads what files of /proc say: see proc(5). What is not there counts as 0: an older kernel has less. Text that is not the kernel's is bytes. */
final class ProcText {
    /** What the kernel counts in for programs: USER_HZ, a hundredth of a second on all x86. */
    private static final long TICK_MICROS = 10_000;

    private static final long PAGE_BYTES = 4096;
    private static final long SECTOR_BYTES = 512;

    /** Of /proc/PID/stat, behind the name. */
    private static final int STATE = 0;

    private static final int PARENT = 1;
    private static final int USER_TICKS = 11;
    private static final int SYSTEM_TICKS = 12;
    private static final int NICE = 16;
    private static final int THREADS = 17;
    private static final int START_TICKS = 19;
    private static final int VIRTUAL_BYTES = 20;
    private static final int RESIDENT_PAGES = 21;

    /** Made once: that costs more than what it is used for, and most of all on an emulated CPU. */
    private static final Pattern BLANKS = Pattern.compile(" +");

    private ProcText() {}

    static String text(byte[] bytes) {
        // A byte each, so that nothing is lost of what is no text.
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** Reads /proc/stat. */
    static CpuStats cpu(byte[] stat) {
        CpuStats.Builder cpu = CpuStats.newBuilder();
        int vcpus = 0;
        for (String line : text(stat).split("\n", -1)) {
            if (!line.startsWith("cpu")) {
                break;
            }
            String[] fields = BLANKS.split(line, -1);
            if (!fields[0].equals("cpu")) {
                vcpus++;
                continue;
            }
            cpu.setUserMicros((number(fields, 1) + number(fields, 2)) * TICK_MICROS)
                    .setSystemMicros((number(fields, 3) + number(fields, 6) + number(fields, 7)) * TICK_MICROS)
                    .setIdleMicros(number(fields, 4) * TICK_MICROS)
                    .setIowaitMicros(number(fields, 5) * TICK_MICROS)
                    .setStealMicros(number(fields, 8) * TICK_MICROS);
        }
        return cpu.setVcpus(vcpus).build();
    }

    /** Reads /proc/meminfo. */
    static MemoryStats memory(byte[] meminfo) {
        MemoryStats.Builder memory = MemoryStats.newBuilder();
        long cached = 0;
        for (String line : text(meminfo).split("\n", -1)) {
            int colon = line.indexOf(':');
            switch (colon < 0 ? "" : line.substring(0, colon)) {
                case "MemTotal" -> memory.setTotalBytes(kibibytes(line, colon));
                case "MemFree" -> memory.setFreeBytes(kibibytes(line, colon));
                case "MemAvailable" -> memory.setAvailableBytes(kibibytes(line, colon));
                case "Buffers", "Cached" -> cached += kibibytes(line, colon);
                case "Shmem" -> memory.setSharedBytes(kibibytes(line, colon));
                default -> {} // one of the many others
            }
        }
        return memory.setCachedBytes(cached).build();
    }

    /** Returns how many bytes so many kB are, as the kernel calls 1024 bytes. */
    private static long kibibytes(String line, int colon) {
        return number(BLANKS.split(line.substring(colon + 1).strip(), -1), 0) << 10;
    }

    /** Reads /proc/diskstats: virtio's disks, and not their partitions again. */
    static DiskIoStats disks(byte[] diskstats) {
        DiskIoStats.Builder all = DiskIoStats.newBuilder();
        for (String line : text(diskstats).split("\n", -1)) {
            String[] fields = BLANKS.split(line.strip(), -1);
            if (fields.length > 9 && fields[2].startsWith("vd") && !Character.isDigit(last(fields[2]))) {
                all.setReads(all.getReads() + number(fields, 3))
                        .setReadBytes(all.getReadBytes() + number(fields, 5) * SECTOR_BYTES)
                        .setWrites(all.getWrites() + number(fields, 7))
                        .setWrittenBytes(all.getWrittenBytes() + number(fields, 9) * SECTOR_BYTES);
            }
        }
        return all.build();
    }

    private static char last(String name) {
        return name.charAt(name.length() - 1);
    }

    /** Reads /proc/PID/stat. A process has chosen its name, which may look like all that is behind it, but not hold the last bracket. */
    static ProcessTableEntry.Builder process(int pid, byte[] stat) {
        String line = text(stat);
        int begin = line.indexOf('(');
        int end = line.lastIndexOf(')');
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("/proc/" + pid + "/stat without a name");
        }
        String[] fields = line.substring(end + 1).strip().split(" ", -1);
        return ProcessTableEntry.newBuilder()
                .setPid(pid)
                .setName(ByteString.copyFrom(line.substring(begin + 1, end), StandardCharsets.ISO_8859_1))
                .setState(state(fields[STATE]))
                .setParentPid((int) number(fields, PARENT))
                .setCpuMicros((number(fields, USER_TICKS) + number(fields, SYSTEM_TICKS)) * TICK_MICROS)
                .setNice((int) number(fields, NICE))
                .setThreads((int) number(fields, THREADS))
                .setStartUptimeMicros(number(fields, START_TICKS) * TICK_MICROS)
                .setVirtualBytes(number(fields, VIRTUAL_BYTES))
                .setResidentBytes(number(fields, RESIDENT_PAGES) * PAGE_BYTES);
    }

    private static ProcessState state(String letter) {
        return switch (letter) {
            case "R" -> ProcessState.PROCESS_STATE_RUNNING;
            case "S" -> ProcessState.PROCESS_STATE_SLEEPING;
            case "D" -> ProcessState.PROCESS_STATE_UNINTERRUPTIBLE;
            case "T", "t" -> ProcessState.PROCESS_STATE_STOPPED;
            case "Z", "X" -> ProcessState.PROCESS_STATE_ZOMBIE;
            case "I" -> ProcessState.PROCESS_STATE_IDLE;
            default -> ProcessState.PROCESS_STATE_UNSPECIFIED;
        };
    }

    /** Returns the effective user of /proc/PID/status. The kernel escapes line ends in the name, which is above it. */
    static int uid(byte[] status) {
        String text = text(status);
        int begin = text.indexOf("\nUid:\t");
        if (begin < 0) {
            return 0;
        }
        int end = text.indexOf('\n', begin + 1);
        return (int) number(text.substring(begin, end < 0 ? text.length() : end).split("\t", -1), 2);
    }

    /** Reads /proc/PID/cmdline: each argument has a NUL behind it, but one that was cut, or that the process has written over. */
    static List<ByteString> arguments(byte[] cmdline) {
        List<ByteString> arguments = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < cmdline.length; i++) {
            if (cmdline[i] == 0) {
                arguments.add(ByteString.copyFrom(cmdline, begin, i - begin));
                begin = i + 1;
            }
        }
        if (begin < cmdline.length) {
            arguments.add(ByteString.copyFrom(cmdline, begin, cmdline.length - begin));
        }
        return arguments;
    }

    private static long number(String[] fields, int index) {
        if (index >= fields.length) {
            return 0;
        }
        try {
            return Long.parseLong(fields[index]);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
