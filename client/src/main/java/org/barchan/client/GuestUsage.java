package org.barchan.client;

import java.time.Duration;

/**
 * What a guest says of itself: of its kernel and all that runs in it, so of its sandbox. Counters begin when its kernel does, or the one of the
 * template that it goes on from. A hostile guest may say anything.
 *
 * @param uptime by its own clock, when this was read
 * @param processes number of processes in the sandbox
 */
public record GuestUsage(Duration uptime, Cpu cpu, Memory memory, DiskIo diskIo, int processes) {
    /**
     * What all its virtual CPUs together have done.
     *
     * @param vcpus how many there are
     * @param user code of processes
     * @param system the kernel
     * @param idle nothing
     * @param iowait nothing, while something waited for an image or disk
     * @param steal the host did not let them run
     */
    public record Cpu(int vcpus, Duration user, Duration system, Duration idle, Duration iowait, Duration steal) {}

    /**
     * Its memory.
     *
     * @param totalBytes what its kernel has to give
     * @param availableBytes what could be given to processes: the rest is in use
     * @param freeBytes what nothing is in
     * @param cachedBytes content of files, also of those in memory alone
     * @param sharedBytes file systems in memory, and shared memory
     */
    public record Memory(long totalBytes, long availableBytes, long freeBytes, long cachedBytes, long sharedBytes) {
        /** Returns what is in use, in bytes. */
        public long usedBytes() {
            return totalBytes - availableBytes;
        }
    }

    /** What was read from and written to its images and disks; shares of directories are not in this. */
    public record DiskIo(long readBytes, long writtenBytes, long reads, long writes) {}

    /** Returns how many of its CPUs were busy since an earlier reading, for example 0.5; 0 if it is none of the same guest. */
    public double cpusSince(GuestUsage earlier) {
        return rate(earlier.busy(), busy(), earlier.uptime, uptime);
    }

    private Duration busy() {
        return cpu.user.plus(cpu.system);
    }

    static double rate(Duration usedBefore, Duration used, Duration timeBefore, Duration time) {
        double elapsed = time.minus(timeBefore).toNanos();
        double taken = used.minus(usedBefore).toNanos();
        return elapsed > 0 && taken > 0 ? taken / elapsed : 0;
    }
}
