package org.barchan.it;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program that was started. */
final class Running implements AutoCloseable {
    private final List<String> command;
    private final Process process;
    private final Capture stdout;
    private final Capture stderr;
    private final long startNanos = System.nanoTime();

    Running(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        this.stdout = Capture.of(process.getInputStream());
        this.stderr = Capture.of(process.getErrorStream());
    }

    long pid() {
        return process.pid();
    }

    /** Writes to standard input, which a started program has only if nothing else was given to it as input. */
    Running write(String text) {
        try {
            OutputStream stdin = process.getOutputStream();
            stdin.write(text.getBytes(StandardCharsets.UTF_8));
            stdin.flush();
            return this;
        } catch (IOException e) {
            throw new AssertionError("cannot write to standard input of " + describe(), e);
        }
    }

    Running closeStdin() {
        try {
            process.getOutputStream().close();
            return this;
        } catch (IOException e) {
            throw new AssertionError("cannot close standard input of " + describe(), e);
        }
    }

    /** Returns when standard output contains {@code text}; fails when it doesn't in time. */
    Running awaitOut(String text) {
        return await(stdout, text, "standard output");
    }

    /** Returns when standard error contains {@code text}; fails when it doesn't in time. */
    Running awaitErr(String text) {
        return await(stderr, text, "standard error");
    }

    /** Returns what is on standard output so far. */
    String outText() {
        return stdout.text();
    }

    /** Returns how many bytes there are on standard output so far. */
    int outBytes() {
        return stdout.size();
    }

    /** Returns true once there are so many, false when that does not come to pass in time. */
    boolean awaitOutBytes(int count, Duration deadline) {
        return stdout.awaitSize(count, deadline);
    }

    private Running await(Capture stream, String text, String name) {
        if (!stream.awaitText(text, Barchan.DEADLINE)) {
            throw new AssertionError("no '" + text + "' on " + name + " of " + describe());
        }
        return this;
    }

    /** Sends a signal, by its name without "SIG". */
    Running signal(String name) {
        signal(name, process.pid());
        return this;
    }

    /** Sends SIGKILL, unless the program has ended. */
    Running kill() {
        process.destroyForcibly();
        return this;
    }

    /** Sends a signal to any process. */
    static void signal(String name, long pid) {
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new AssertionError("kill -" + name + " " + pid + " failed");
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Waits for the end. */
    Result result() {
        return result(Barchan.DEADLINE);
    }

    Result result(Duration deadline) {
        try {
            // The program's children may hold its streams open, which is as wrong as a program that does not end.
            if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("still runs after " + deadline + ": " + describe());
            }
            Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
            if (!stdout.awaitEnd(Duration.ofSeconds(5)) || !stderr.awaitEnd(Duration.ofSeconds(5))) {
                throw new AssertionError("has ended, but something holds its output open: " + describe());
            }
            return new Result(command, process.exitValue(), stdout.bytes(), stderr.bytes(), took);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            process.destroyForcibly();
        }
    }

    private String describe() {
        byte[] written = stdout.bytes();
        String shown = written.length > 4000 ? written.length + " bytes" : stdout.text();
        return (process.isAlive() ? "" : "ended with " + process.exitValue() + ": ") + String.join(" ", command)
                + "\nstdout so far: " + shown + "\nstderr so far: " + stderr.text();
    }

    @Override
    public String toString() {
        return describe();
    }

    /** Kills the program if it still runs. */
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
