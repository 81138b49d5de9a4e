package org.barchan.guest.stats;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ReadStatsResponse;
import org.barchan.v1.GuestStats;
import org.barchan.v1.ProcessTableEntry;

/** What the guest's kernel says of itself and of the sandbox's processes. Has no state; each reading takes less than 1 MiB. */
public final class SandboxStats {
    /** Of more processes nothing is read: see ReadStatsRequest. */
    static final int MAX_PROCESSES = 512;

    /** The same of a process's arguments, and of all of them. */
    static final int MAX_ARGUMENT_BYTES = 2048;

    static final int MAX_ARGUMENTS_BYTES = 128 * 1024;

    /** A line for each of 255 CPUs; what is behind these is not looked at. */
    private static final int STAT_BYTES = 32 * 1024;

    private static final int FILE_BYTES = 8 * 1024;
    /** A line for each of 128 disks and their partitions. */
    private static final int DISKS_BYTES = 64 * 1024;
    /** The sandbox's own init, which is Barchan's. */
    private static final int INIT = 1;

    private final ProcSource source;

    /** Reads what this guest's kernel says. */
    public SandboxStats() {
        this(new ProcSource.Kernel());
    }

    SandboxStats(ProcSource source) {
        this.source = source;
    }

    /**
     * Reads everything once.
     *
     * @param maxProcesses of how many processes, those with the lowest numbers
     */
    public ReadStatsResponse read(int maxProcesses) throws Errno {
        List<Integer> pids = pids();
        GuestStats stats = GuestStats.newBuilder()
                .setUptimeMicros(source.uptimeMicros())
                .setCpu(ProcText.cpu(source.ofGuest("stat", STAT_BYTES)))
                .setMemory(ProcText.memory(source.ofGuest("meminfo", FILE_BYTES)))
                .setDiskIo(ProcText.disks(source.ofGuest("diskstats", DISKS_BYTES)))
                .setProcessCount(pids.size())
                .build();
        ReadStatsResponse.Builder response = ReadStatsResponse.newBuilder().setStats(stats);
        addProcesses(response, pids, Math.clamp(maxProcesses, 0, MAX_PROCESSES));
        return response.build();
    }

    private List<Integer> pids() throws Errno {
        List<Integer> pids = new ArrayList<>();
        for (String name : source.sandboxNames()) {
            if (isNumber(name) && Integer.parseInt(name) != INIT) {
                pids.add(Integer.parseInt(name));
            }
        }
        Collections.sort(pids);
        return pids;
    }

    /** Process numbers have at most seven digits; all other names begin with a letter. */
    private static boolean isNumber(String name) {
        return name.length() <= 9 && name.chars().allMatch(Character::isDigit);
    }

    private void addProcesses(ReadStatsResponse.Builder response, List<Integer> pids, int most) {
        int room = MAX_ARGUMENTS_BYTES;
        for (int i = 0; i < pids.size() && response.getProcessesCount() < most; i++) {
            int pid = pids.get(i);
            try {
                ProcessTableEntry.Builder process = ProcText.process(pid, source.ofSandbox(pid + "/stat", FILE_BYTES));
                process.setUid(ProcText.uid(source.ofSandbox(pid + "/status", FILE_BYTES)));
                if (room > 0) {
                    byte[] arguments = source.ofSandbox(pid + "/cmdline", Math.min(room, MAX_ARGUMENT_BYTES));
                    room -= arguments.length;
                    process.addAllArgv(ProcText.arguments(arguments));
                }
                response.addProcesses(process);
            } catch (Errno gone) {
                // It has ended since its number was read.
            }
        }
    }
}
