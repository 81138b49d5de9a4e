package org.barchan.guest.process;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.OptionalInt;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/**
 * Tells which processes the kernel has ended for lack of memory. Nothing but its log says so of a process; that is looked at only when one was
 * killed, and the kernel has ended any. For one thread.
 */
final class OutOfMemory {
    private static final String COUNTS = "/proc/vmstat";
    private static final String COUNT = "\noom_kill ";
    private static final String LOG = "/dev/kmsg";
    private static final String KILLED = "Killed process ";
    private static final int COUNTS_BYTES = 16 * 1024;
    /** No record of the log is longer. */
    private static final int RECORD_BYTES = 8 * 1024;

    /** The kernel kills first and says so then. */
    private static final int PATIENCE_MILLIS = 1000;

    private static final int KERNEL_FACILITY = 0;
    private static final int FACILITY_SHIFT = 3;
    /** What nobody asks for is some orphan. */
    private static final int MAX_REMEMBERED = 256;

    private final LinkedHashSet<Integer> killed = new LinkedHashSet<>();
    private long records;
    private int log = -1;

    /** Returns whether a process that was killed just now was so for lack of memory. False where that can't be found out. */
    boolean ended(int pid) {
        try {
            long kills = kills();
            if (kills == 0) {
                return false;
            }
            if (log < 0) {
                log = Linux.open(LOG, Linux.O_RDONLY | Linux.O_NONBLOCK);
            }
            read();
            // Records may have been overwritten: this ends by time then.
            while (!killed.contains(pid)
                    && records < kills
                    && Linux.poll(log, Linux.POLLIN, -1, 0, PATIENCE_MILLIS) != 0) {
                read();
            }
            records = Math.max(records, kills);
            return killed.remove(pid);
        } catch (Errno e) {
            System.err.println("barchan-init: whether memory was short can't be told: " + e.getMessage());
            return false;
        }
    }

    private static long kills() throws Errno {
        byte[] counts = new byte[COUNTS_BYTES];
        int fd = Linux.open(COUNTS, Linux.O_RDONLY);
        int size = 0;
        try {
            for (int n = 1; n > 0 && size < counts.length; size += Math.max(0, n)) {
                n = Linux.read(fd, counts, size, counts.length - size);
            }
        } finally {
            Linux.close(fd);
        }
        String text = new String(counts, 0, size, StandardCharsets.ISO_8859_1);
        int at = text.indexOf(COUNT);
        return at < 0 ? 0 : number(text, at + COUNT.length());
    }

    private void read() {
        byte[] record = new byte[RECORD_BYTES];
        while (true) {
            int n = Linux.read(log, record, 0, record.length);
            if (n == -Errno.EPIPE) {
                // The next ones were overwritten.
                continue;
            }
            if (n <= 0) {
                return;
            }
            killed(new String(record, 0, n, StandardCharsets.ISO_8859_1)).ifPresent(pid -> {
                records++;
                killed.add(pid);
                if (killed.size() > MAX_REMEMBERED) {
                    killed.removeFirst();
                }
            });
        }
    }

    /** Returns the process of which a record of the log says that it was ended; a process can write there, but not as the kernel. */
    static OptionalInt killed(String entry) {
        int text = entry.indexOf(';') + 1;
        boolean kernels = number(entry, 0) >> FACILITY_SHIFT == KERNEL_FACILITY;
        int at = entry.indexOf(KILLED, text);
        int lineEnd = entry.indexOf('\n', text);
        if (!kernels || text == 0 || at < 0 || (lineEnd >= 0 && at > lineEnd)) {
            return OptionalInt.empty();
        }
        String before = entry.substring(text, at);
        if (!before.equals("Out of memory: ") && !before.equals("Memory cgroup out of memory: ")) {
            return OptionalInt.empty();
        }
        long pid = number(entry, at + KILLED.length());
        return pid > 0 && pid <= Integer.MAX_VALUE ? OptionalInt.of((int) pid) : OptionalInt.empty();
    }

    /** Returns the number that begins there, 0 if none does. */
    private static long number(String text, int at) {
        long number = 0;
        for (int i = at; i < text.length() && Character.isDigit(text.charAt(i)) && i < at + 18; i++) {
            number = number * 10 + Character.digit(text.charAt(i), 10);
        }
        return number;
    }
}
