package org.barchan.nativeimage;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs programs of the build and waits for them; the program is ended with this one.
 *
 * @param logDirectory existing directory for what the programs print
 */
record Tool(Path logDirectory) {
    private static final Duration COMPILER_DEADLINE = Duration.ofMinutes(2);
    private static final int SHOWN_LINES = 60;

    /** The C compiler: the environment's CC, else gcc. */
    static String compiler() {
        return System.getenv().getOrDefault("CC", "gcc");
    }

    /** Runs a C compiler, an archiver or the like, and returns what it printed. */
    String run(String what, List<String> command) throws BuildException {
        return run(what, command, COMPILER_DEADLINE);
    }

    /**
     * Runs a program and returns what it printed on both streams; that stays in a file of the log directory.
     *
     * @param what names the step, in messages and as the log's file name
     * @throws BuildException if the program can't be run, fails, or does not end within the deadline; with its last lines
     */
    String run(String what, List<String> command, Duration deadline) throws BuildException {
        Path log = logDirectory.resolve(what.replaceAll("[^A-Za-z0-9.]+", "-") + ".log");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
            // How an image takes file names is what the builder's locale says.
            builder.environment().put("LC_ALL", "C.UTF-8");
            Process process = builder.start();
            Thread killer = new Thread(process::destroyForcibly);
            Runtime.getRuntime().addShutdownHook(killer);
            try {
                process.getOutputStream().close();
                if (!process.waitFor(deadline.toSeconds(), TimeUnit.SECONDS)) {
                    throw new BuildException(what + ": " + command.getFirst() + " did not end within "
                            + deadline.toMinutes() + " minutes; see " + log);
                }
            } finally {
                process.destroyForcibly();
                Runtime.getRuntime().removeShutdownHook(killer);
            }
            String printed = Files.readString(log, StandardCharsets.UTF_8);
            if (process.exitValue() != 0) {
                throw new BuildException(what + ": " + command.getFirst() + " failed with exit status "
                        + process.exitValue() + "; its last lines, all of them in " + log + ":\n" + lastLines(printed));
            }
            return printed;
        } catch (IOException e) {
            throw new BuildException(
                    what + ": can't run " + command.getFirst() + ": " + e.getMessage()
                            + "; a C compiler with binutils is needed (Debian: gcc, libc6-dev, zlib1g-dev)",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BuildException(what + ": interrupted", e);
        }
    }

    private static String lastLines(String text) {
        List<String> lines = text.lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
    }
}
