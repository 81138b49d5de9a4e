package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.barchan.client.BarchanException;

/** What a copy tells people: what was not copied, and, on a terminal, how far it is. Owned by one thread. */
final class CopyReport {
    private static final long FIRST_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(300);
    private static final int MEGABYTE = 1_000_000;

    private final boolean shown;
    private long next = System.nanoTime() + FIRST_NANOS;
    private boolean onScreen;
    private long bytes;
    private long files;
    private boolean failures;

    CopyReport(boolean quiet) {
        shown = !quiet && StandardFiles.STDERR.isTerminal();
    }

    /** A part of a copy. */
    @FunctionalInterface
    interface Step {
        void perform() throws BarchanException, IOException;
    }

    /** Does something for one file; if that fails, says so and goes on, unless all the others would fail, too. */
    void attempt(String path, Step step) throws BarchanException, IOException {
        try {
            step.perform();
            files++;
        } catch (BarchanException e) {
            switch (e.code()) {
                case INVALID, NOT_FOUND, ALREADY_EXISTS, PRECONDITION, DENIED ->
                    failed(path, String.valueOf(e.getMessage()));
                case EXHAUSTED, OUT_OF_RANGE, TIMEOUT, UNAVAILABLE, CANCELLED, VERSION, INTERNAL -> {
                    clear();
                    throw e;
                }
            }
        } catch (HostFiles.Failure e) {
            if (e.errno() == HostFiles.ENOSPC) {
                clear();
                throw new IOException(path + ": " + e.getMessage(), e);
            }
            failed(path, String.valueOf(e.getMessage()));
        }
    }

    void failed(String path, String problem) {
        clear();
        failures = true;
        Messages.error("not copied: " + path + ": " + problem);
    }

    boolean hasFailures() {
        return failures;
    }

    void copied(long more) {
        bytes += more;
        if (shown && System.nanoTime() - next > 0) {
            next = System.nanoTime() + STEP_NANOS;
            onScreen = true;
            write("\r\033[K" + bytes / MEGABYTE + " MB, " + files + " files");
        }
    }

    void end() {
        clear();
    }

    private void clear() {
        if (onScreen) {
            onScreen = false;
            write("\r\033[K");
        }
    }

    private static void write(String text) {
        try {
            StandardFiles.STDERR.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            // There is nobody left to tell.
        }
    }
}
