package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.barchan.client.ProgressLevel;
import org.jspecify.annotations.Nullable;

/** Tells people on standard error what the agent does: warnings always, the rest if they asked for it or have to wait. Thread-safe. */
final class ProgressPrinter {
    /** A start that takes no longer needs no explanation. */
    private static final long QUIET_NANOS = 1_000_000_000;

    private final boolean verbose;
    private final boolean terminal = StandardFiles.STDERR.isTerminal();
    private final long begin = System.nanoTime();
    private final TerminalSanitizer sanitizer = new TerminalSanitizer();
    private @Nullable String waiting;
    private boolean stopped;

    ProgressPrinter(boolean verbose) {
        this.verbose = verbose;
    }

    synchronized void print(ProgressLevel level, String message) {
        switch (level) {
            case WARNING -> Messages.warning(message);
            case INFO -> {
                if (verbose) {
                    Messages.error(message);
                } else if (terminal && stopped) {
                    // Something more to wait for, after the start.
                    Messages.error(message);
                } else if (terminal) {
                    printLater(message);
                }
            }
            case VERBOSE -> {
                if (verbose) {
                    Messages.error(message);
                }
            }
        }
    }

    private void printLater(String message) {
        long left = QUIET_NANOS - (System.nanoTime() - begin);
        boolean scheduled = waiting != null;
        waiting = message;
        if (left <= 0) {
            flush();
        } else if (!scheduled) {
            CompletableFuture.delayedExecutor(left, TimeUnit.NANOSECONDS).execute(this::flush);
        }
    }

    private synchronized void flush() {
        if (waiting != null && !stopped) {
            Messages.error(waiting);
        }
        waiting = null;
    }

    /** The wait is over. */
    synchronized void stop() {
        stopped = true;
    }

    synchronized void console(ByteBuffer bytes) throws IOException {
        StandardFiles.STDERR.write(terminal ? ByteBuffer.wrap(sanitizer.sanitize(bytes)) : bytes);
    }
}
