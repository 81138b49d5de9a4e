package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.barchan.host.port.MachineUsage;

/** What a process of the host takes: see proc_pid_stat(5). */
final class ProcessUsage {
    /** What the kernel counts in for programs: USER_HZ, a hundredth of a second on all x86. */
    private static final long TICK_MILLIS = 10;

    private static final long PAGE_BYTES = 4096;
    /** Fields behind the name. */
    private static final int USER_TICKS = 11;

    private static final int SYSTEM_TICKS = 12;
    private static final int RESIDENT_PAGES = 21;

    private ProcessUsage() {}

    /** @throws IOException when there is no such process */
    static MachineUsage read(long pid) throws IOException {
        return parse(Files.readString(Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1));
    }

    /** @throws NumberFormatException when it is not what the kernel says of a process */
    static MachineUsage parse(String stat) {
        // A name may hold all that is behind it, but its last bracket.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
        if (fields.length <= RESIDENT_PAGES) {
            throw new NumberFormatException(fields.length + " fields");
        }
        long ticks = Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS]);
        return new MachineUsage(
                Duration.ofMillis(ticks * TICK_MILLIS), Long.parseLong(fields[RESIDENT_PAGES]) * PAGE_BYTES);
    }
}
