package org.barchan.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The real {@code bin/barchan} as a process. Each wait fails after a minute. */
final class Command implements AutoCloseable {
    private static final int DEADLINE_SECONDS = 60;
    private static final Path LAUNCHER = Path.of(System.getProperty("barchan.home", ".."))
            .resolve("bin/barchan")
            .toAbsolutePath()
            .normalize();

    /** How a command ended, and what it wrote. */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares results
    record Result(int status, byte[] stdout, byte[] stderr) {
        String out() {
            return new String(stdout, StandardCharsets.UTF_8);
        }

        String err() {
            return new String(stderr, StandardCharsets.UTF_8);
        }
    }

    private final Process process;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
    private final CompletableFuture<byte[]> stdout;
    private final CompletableFuture<byte[]> stderr;

    private Command(Process process) {
        this.process = process;
        this.stdout = drain(process.getInputStream(), seen);
        this.stderr = drain(process.getErrorStream(), new ByteArrayOutputStream());
    }

    static Command start(Map<String, String> environment, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(LAUNCHER.toString()));
        command.addAll(List.of(arguments));
        return start(environment, command);
    }

    /** Runs a shell script that finds the launcher in {@code $0}. */
    static Command shell(Map<String, String> environment, String script) throws IOException {
        return start(environment, List.of("bash", "-c", script, LAUNCHER.toString()));
    }

    private static Command start(Map<String, String> environment, List<String> command) throws IOException {
        // Tests that are run in the background ignore signals, and a program inherits that.
        List<String> undisturbed = new ArrayList<>(List.of("env", "--default-signal"));
        undisturbed.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(undisturbed);
        builder.environment().putAll(environment);
        return new Command(builder.start());
    }

    Process process() {
        return process;
    }

    /** Sends a signal by its name. */
    void kill(String signal) throws Exception {
        Process kill = new ProcessBuilder("kill", "-s", signal, Long.toString(process.pid()))
                .inheritIO()
                .start();
        if (kill.waitFor() != 0) {
            throw new AssertionError("kill -s " + signal + " failed");
        }
    }

    Result end() throws Exception {
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the command has not ended within " + DEADLINE_SECONDS + " s");
        }
        return new Result(
                process.exitValue(),
                stdout.get(DEADLINE_SECONDS, TimeUnit.SECONDS),
                stderr.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
    }

    /** Waits until standard output holds a text. */
    void awaitOutput(String text) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        synchronized (seen) {
            while (!seen.toString(StandardCharsets.UTF_8).contains(text)) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0 || stdout.isDone()) {
                    throw new AssertionError("no '" + text + "' in: " + seen.toString(StandardCharsets.UTF_8));
                }
                seen.wait(left);
            }
        }
    }

    private static CompletableFuture<byte[]> drain(InputStream in, ByteArrayOutputStream seen) {
        CompletableFuture<byte[]> bytes = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            byte[] buffer = new byte[65536];
            try {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    synchronized (seen) {
                        seen.write(buffer, 0, count);
                        seen.notifyAll();
                    }
                }
                bytes.complete(seen.toByteArray());
            } catch (IOException e) {
                bytes.completeExceptionally(e);
            }
            synchronized (seen) {
                seen.notifyAll();
            }
        });
        return bytes;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
