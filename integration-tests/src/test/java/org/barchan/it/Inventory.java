package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * All that an installation has on its host at a moment: processes, files and sockets. Caches and logs, which are meant to stay, are
 * left out.
 */
record Inventory(SortedSet<String> processes, SortedSet<String> files, SortedSet<String> sockets) {
    /** Nothing at all. */
    static final Inventory EMPTY =
            new Inventory(Collections.emptySortedSet(), Collections.emptySortedSet(), Collections.emptySortedSet());

    static Inventory of(Installation installation) {
        List<Path> directories = installation.directories();
        SortedSet<String> processes = new TreeSet<>();
        HostProcess.of(directories).forEach(process -> processes.add(process.toString()));
        SortedSet<String> files = new TreeSet<>();
        for (Path directory : directories) {
            if (Files.exists(directory)) {
                addFiles(directory, installation, files);
            }
        }
        return new Inventory(processes, files, sockets(directories));
    }

    private static void addFiles(Path directory, Installation installation, SortedSet<String> files) {
        // Entries vanish while they are listed: that is what is being waited for.
        for (int attempt = 0; ; attempt++) {
            try (Stream<Path> entries = Files.walk(directory)) {
                entries.filter(entry -> !installation.isKept(entry)).forEach(entry -> files.add(entry.toString()));
                return;
            } catch (IOException | UncheckedIOException e) {
                if (attempt == 100) {
                    throw new AssertionError("cannot list " + directory, e);
                }
            }
        }
    }

    /** Sockets outlive their files, so the kernel is asked as well. */
    private static SortedSet<String> sockets(List<Path> directories) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/net/unix"))) {
            SortedSet<String> paths = new TreeSet<>();
            lines.filter(line -> directories.stream().anyMatch(d -> line.contains(d + "/")))
                    .forEach(line -> paths.add(line.substring(line.indexOf('/'))));
            return paths;
        } catch (IOException e) {
            throw new AssertionError("cannot read /proc/net/unix", e);
        }
    }

    /** Leaves the processes out: after a restart the agent is another one. */
    Inventory withoutProcesses() {
        return new Inventory(Collections.emptySortedSet(), files, sockets);
    }

    /** Fails when the installation does not come to have exactly this after {@code deadline}. */
    void awaitSame(Installation installation, Duration deadline) {
        awaitSame(installation, deadline, inventory -> inventory);
    }

    /** The same for a part of the inventory. */
    void awaitSame(Installation installation, Duration deadline, UnaryOperator<Inventory> part) {
        // No event tells that another process has removed its last file, so this looks again and again.
        long end = System.nanoTime() + deadline.toNanos();
        Inventory now = part.apply(of(installation));
        while (!now.equals(this) && System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            now = part.apply(of(installation));
        }
        assertEquals(this.toString(), now.toString(), "left behind or missing after " + deadline);
    }

    @Override
    public String toString() {
        return "processes:\n  " + String.join("\n  ", processes) + "\nfiles:\n  " + String.join("\n  ", files)
                + "\nsockets:\n  " + String.join("\n  ", sockets) + "\n";
    }
}
