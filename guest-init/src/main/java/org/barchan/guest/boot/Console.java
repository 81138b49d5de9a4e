package org.barchan.guest.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.barchan.guest.syscall.Linux;

/** The guest's console, which the agent keeps the end of for its diagnoses. */
public final class Console {
    private static volatile boolean verbose;

    private Console() {}

    static void setVerbose(boolean on) {
        verbose = on;
    }

    /** Writes a line that explains a failure. */
    public static void error(String line) {
        System.err.println("barchan-init: " + line);
    }

    /** Writes a line for who debugs; nothing otherwise, since the console is slow. */
    public static void debug(String line) {
        if (verbose) {
            System.err.println("barchan-init: [" + Linux.uptimeMicros() / 1000 + " ms] " + line);
        }
    }

    /** Says, for who debugs, how much of the guest's memory the init itself holds. */
    public static void debugMemory() {
        if (!verbose) {
            return;
        }
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS:")) {
                    debug("init holds " + line.replaceAll("[^0-9]", "") + " KiB");
                }
            }
        } catch (IOException e) {
            error("can't read how much memory the init holds: " + e);
        }
    }
}
