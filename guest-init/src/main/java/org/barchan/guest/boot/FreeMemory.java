package org.barchan.guest.boot;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.SmallFile;

/** The memory that the guest's kernel has not given to anyone. */
public final class FreeMemory {
    private static final String DIRECTORY = "/zero";
    /**
     * What the init may need meanwhile, and what the kernel lets nobody have though it counts as free: of the zone for old devices, and
     * for interrupts.
     */
    private static final long RESERVE = 8L << 20;

    private static final String KEPT = "/proc/sys/vm/min_free_kbytes";
    private static final int PIECE = 1 << 20;

    private FreeMemory() {}

    /** Zeroes nearly all of it, by a file in memory that goes again; returns how much, in bytes. */
    public static long zero() throws Errno, IOException {
        Path directory = Path.of(DIRECTORY);
        Files.createDirectories(directory);
        Linux.mount("tmpfs", DIRECTORY.getBytes(StandardCharsets.UTF_8), "tmpfs", Linux.MS_NOSUID, "size=100%");
        Path file = directory.resolve("zero");
        try {
            return fill(file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static long fill(Path file) throws Errno, IOException {
        byte[] zeros = new byte[PIECE];
        // Twice that, since the kernel begins to look for memory before it is down to what it keeps.
        long reserve = RESERVE + 2 * (Long.parseLong(SmallFile.read(KEPT)) << 10);
        long written = 0;
        try (OutputStream out = Files.newOutputStream(file)) {
            for (long left = free() - reserve; left > 0; left = free() - reserve) {
                // No more than half of it, as what is said to be free is an estimate.
                for (long end = written + Math.max(PIECE, left / 2); written < end; written += PIECE) {
                    out.write(zeros);
                }
            }
        }
        return written;
    }

    private static long free() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
            if (line.startsWith("MemFree:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IOException("/proc/meminfo has no MemFree");
    }
}
