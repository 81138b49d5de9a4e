package org.barchan.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.barchan.client.BarchanException;
import org.barchan.client.ProgressLevel;
import org.barchan.client.Sandbox;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;

/** Writes a command's output to this process's own, as it comes: untouched, but for what a terminal must not get. */
final class StreamRelay implements RunOutput {
    /** What was under way when the command got SIGPIPE comes within this time; a command that ignored it writes on after it. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(2).toNanos();

    private final Runnable tellCommand;
    private final Runnable cancel;
    private final @Nullable TerminalSanitizer stdoutSanitizer;
    private final @Nullable TerminalSanitizer stderrSanitizer;
    private volatile boolean readerGone;
    private long goneSince;

    /**
     * @param trusted whether the command may control the terminal
     * @param tellCommand sends SIGPIPE to the command
     * @param cancel ends the run
     */
    StreamRelay(boolean trusted, Runnable tellCommand, Runnable cancel) {
        this.stdoutSanitizer = sanitizer(trusted, StandardFiles.STDOUT);
        this.stderrSanitizer = sanitizer(trusted, StandardFiles.STDERR);
        this.tellCommand = tellCommand;
        this.cancel = cancel;
    }

    private static @Nullable TerminalSanitizer sanitizer(boolean trusted, StandardFiles.Output output) {
        return output.isTerminal() && !trusted ? new TerminalSanitizer() : null;
    }

    @Override
    public void sandbox(Sandbox sandbox) {}

    @Override
    public void progress(ProgressLevel level, String message) {}

    @Override
    public void started() {}

    @Override
    public void detached(String name) throws BarchanException {
        Messages.result(name + "\n");
    }

    @Override
    public void output(StandardStream stream, ByteBuffer bytes) throws IOException {
        if (readerGone) {
            // A local command that ignores SIGPIPE gets an error from its next write. This one can't: its sandbox is
            // ended instead.
            if (System.nanoTime() - goneSince > PATIENCE_NANOS) {
                cancel.run();
            }
            return;
        }
        switch (stream) {
            case STDOUT -> write(StandardFiles.STDOUT, stdoutSanitizer, bytes);
            case STDERR -> write(StandardFiles.STDERR, stderrSanitizer, bytes);
        }
    }

    private void write(StandardFiles.Output output, @Nullable TerminalSanitizer sanitizer, ByteBuffer bytes)
            throws IOException {
        try {
            output.write(sanitizer == null ? bytes : forTerminal(sanitizer.sanitize(bytes)));
        } catch (IOException e) {
            if (!output.leadsToReader()) {
                throw e;
            }
            readerGone = true;
            goneSince = System.nanoTime();
            tellCommand.run();
        }
    }

    /** One that is raw, as a shell uses it beside the command, does not go back to the left by itself. */
    private static ByteBuffer forTerminal(byte[] bytes) {
        if (!LocalTerminal.isRaw()) {
            return ByteBuffer.wrap(bytes);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 16);
        for (byte b : bytes) {
            if (b == '\n') {
                out.write('\r');
            }
            out.write(b);
        }
        return ByteBuffer.wrap(out.toByteArray());
    }

    @Override
    public boolean readerGone() {
        return readerGone;
    }

    @Override
    public int finish(Termination termination, int status) {
        end();
        return status;
    }

    /** Writes what is left of characters that were never whole. */
    void end() {
        try {
            end(StandardFiles.STDOUT, stdoutSanitizer);
            end(StandardFiles.STDERR, stderrSanitizer);
        } catch (IOException e) {
            // The terminal has gone with it.
        }
    }

    private static void end(StandardFiles.Output output, @Nullable TerminalSanitizer sanitizer) throws IOException {
        if (sanitizer != null) {
            output.write(ByteBuffer.wrap(sanitizer.finish()));
        }
    }

    @Override
    public int fail(BarchanException error, int status) {
        return status;
    }
}
