package org.barchan.client;

import java.time.Duration;
import java.util.List;

/**
 * The processes of a sandbox as its guest knows them. A hostile guest may say anything.
 *
 * @param entries at most 512, in the order of their numbers
 * @param truncated whether there are more
 * @param uptime of the guest, when this was read
 */
public record ProcessTable(List<Entry> entries, boolean truncated, Duration uptime) {
    public ProcessTable {
        entries = List.copyOf(entries);
    }

    /** What a process does: see proc_pid_stat(5). */
    public enum State {
        /** One that this client or the guest is too old for. */
        UNKNOWN,
        RUNNING,
        SLEEPING,
        /** It waits for a device, most often. */
        UNINTERRUPTIBLE,
        STOPPED,
        ZOMBIE,
        IDLE
    }

    /**
     * A process.
     *
     * @param pid its number in the sandbox
     * @param parentPid its parent's; 0: that is Barchan's init
     * @param uid its effective user
     * @param cpu time that it has had of CPUs
     * @param start uptime of the guest when it started
     * @param residentBytes its memory that is in RAM
     * @param virtualBytes addresses that it uses
     * @param nice -20 to 19
     * @param name what the kernel calls it; see {@link RawText}
     * @param command its arguments as it has them now, as many as there is room for; none of a zombie
     */
    public record Entry(
            int pid,
            int parentPid,
            long uid,
            State state,
            Duration cpu,
            Duration start,
            long residentBytes,
            long virtualBytes,
            int threads,
            int nice,
            String name,
            List<String> command) {
        public Entry {
            command = List.copyOf(command);
        }
    }
}
