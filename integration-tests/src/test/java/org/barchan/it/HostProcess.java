package org.barchan.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A process of the host, as /proc shows it.
 *
 * @param commandLine arguments with blanks between them
 */
record HostProcess(long pid, Kind kind, String commandLine) {
    /** A Java program is what its main class or its jar says. */
    private static final Pattern AGENT =
            Pattern.compile("/bin/java\0.*\0(org\\.barchan\\.host\\.|-jar\0[^\0]*/barchan-host-agent-)");

    private static final Pattern CLI = Pattern.compile("/bin/java\0.*\0org\\.barchan\\.cli\\.");

    /** What a process is to Barchan. */
    enum Kind {
        AGENT,
        CLI,
        QEMU,
        OTHER
    }

    /**
     * Returns the processes that belong to an installation: those that have one of its directories in their arguments (QEMU) or in
     * their environment (agent, CLI, and whatever they started).
     */
    static List<HostProcess> of(List<Path> directories) {
        List<HostProcess> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                String arguments = read(process.resolve("cmdline"));
                String environment = read(process.resolve("environ"));
                if (directories.stream().anyMatch(d -> arguments.contains(d + "") || environment.contains(d + ""))) {
                    long pid = Long.parseLong(process.getFileName().toString());
                    found.add(new HostProcess(pid, kind(arguments), arguments.replace('\0', ' ')));
                }
            }
        } catch (IOException e) {
            throw new AssertionError("cannot list /proc", e);
        }
        return found;
    }

    private static Kind kind(String arguments) {
        if (arguments.split("\0", 2)[0].contains("qemu-system")) {
            return Kind.QEMU;
        }
        if (AGENT.matcher(arguments).find()) {
            return Kind.AGENT;
        }
        return CLI.matcher(arguments).find() ? Kind.CLI : Kind.OTHER;
    }

    /** Empty for a process that is gone, that is a zombie, or that is another user's. */
    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** Returns the memory that it holds; 0 if it is gone. */
    long residentKibibytes() {
        return kibibytes("status", "VmRSS:");
    }

    /** Returns the memory that it holds, of pages that it shares its share; 0 if it is gone. */
    long proportionalKibibytes() {
        return kibibytes("smaps_rollup", "Pss:");
    }

    private long kibibytes(String file, String field) {
        return read(Path.of("/proc/" + pid, file))
                .lines()
                .filter(line -> line.startsWith(field))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .sum();
    }

    /** Returns the file that is a QEMU's guest's memory. */
    Path guestMemory() {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return descriptors
                    .filter(file -> linkOf(file).contains("memory-backend-memfd"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no memory of a guest in " + this));
        } catch (IOException e) {
            throw new AssertionError("cannot list the descriptors of " + this, e);
        }
    }

    private static String linkOf(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** Returns the number of its descriptors. */
    int openFiles() {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return (int) descriptors.count();
        } catch (IOException e) {
            throw new AssertionError("cannot list the descriptors of " + this, e);
        }
    }

    /** Kills it as kill -9 does, and returns when it is gone. */
    void kill() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        awaitEnd(Duration.ofSeconds(10));
    }

    /** Asks it to end, as kill does. */
    void terminate() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
    }

    /** Fails when the process has not ended after {@code deadline}. */
    void awaitEnd(Duration deadline) {
        try {
            var handle = ProcessHandle.of(pid);
            if (handle.isPresent()) {
                handle.get().onExit().get(deadline.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (TimeoutException e) {
            throw new AssertionError("still runs after " + deadline + ": " + this, e);
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String toString() {
        String shown = commandLine.length() > 200 ? commandLine.substring(0, 200) + "..." : commandLine;
        return kind + " " + pid + ": " + shown;
    }
}
