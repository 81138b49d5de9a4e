package org.barchan.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Barchan in this source tree, with directories of its own.
 *
 * @param home the source tree
 * @param runtime where its sockets and locks are
 * @param state where its caches and the hypervisor's files are
 */
record Installation(Path home, Path runtime, Path state) {
    /**
     * What stays in the state directory by design: kernels and initrds, what is known of KVM and
     * of QEMU, the agent's log, templates, what has happened.
     */
    private static final List<String> KEPT =
            List.of("boot", "accelerator", "libvirt/cache", "libvirt/in", "log", "templates", "events");

    /** A directory that stays, of which nothing does that is in it. */
    private static final String SCRATCH = "scratch";

    /** Where a guest has file systems of its own, so that it does not see what the host has there. */
    private static final List<Path> HIDDEN = List.of(Path.of("/tmp"), Path.of("/var/tmp"), Path.of("/run"));

    /**
     * Returns an installation with an empty runtime directory.
     *
     * @param parent holds both directories; its path is short, since the path of a socket has to be
     */
    static Installation in(Path parent, String runtimeName) {
        return new Installation(sourceTree(), parent.resolve(runtimeName), parent.resolve("s"));
    }

    /** Returns the root of the source tree. */
    static Path sourceTree() {
        return Path.of(System.getProperty("barchan.home", ".."))
                .toAbsolutePath()
                .normalize();
    }

    /** Makes a directory for {@link #in}, which other users may pass, as /run and /var/lib are. */
    static Path makeParent() {
        try {
            Path parent = Files.createTempDirectory(Path.of("/tmp"), "bt");
            return Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxr-xr-x"));
        } catch (IOException e) {
            throw new AssertionError("cannot make a directory in /tmp", e);
        }
    }

    /** Returns a directory for files that a guest is to see: open to all users, since QEMU may run as any, and not hidden to it. */
    static Path scratch() {
        return Stream.of("target", "/srv", "/opt")
                .map(name -> Path.of(name).toAbsolutePath())
                .filter(Installation::isSeenByGuests)
                .filter(Files::isWritable)
                .findFirst()
                .orElseGet(() -> abort("no directory among target, /srv and /opt is writable and seen by guests"));
    }

    private static boolean isSeenByGuests(Path directory) {
        if (HIDDEN.stream().anyMatch(directory::startsWith) || !Files.isDirectory(directory)) {
            return false;
        }
        for (Path part = directory; part != null; part = part.getParent()) {
            try {
                if (!Files.getPosixFilePermissions(part).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                    return false;
                }
            } catch (IOException e) {
                return false;
            }
        }
        return true;
    }

    private static Path abort(String reason) {
        return Assumptions.abort(reason);
    }

    Path executable() {
        return home.resolve("bin/barchan");
    }

    Path agentSocket() {
        return runtime.resolve("agent.sock");
    }

    List<Path> directories() {
        return List.of(runtime, state);
    }

    /**
     * Returns what a program is told by its environment.
     *
     * @param templates whether there are any: each is made in the background, by one more QEMU that tests who count what runs would find
     */
    Map<String, String> environment(boolean templates) {
        return Map.of(
                "BARCHAN_RUNTIME_DIR",
                runtime.toString(),
                "BARCHAN_STATE_DIR",
                state.toString(),
                "BARCHAN_TEMPLATES",
                templates ? "on" : "off");
    }

    /** Whether a file is meant to stay when no sandbox is left. */
    boolean isKept(Path file) {
        if (file.equals(state.resolve(SCRATCH))) {
            return true;
        }
        // What was begun and not ended is nothing to keep, wherever it is.
        return !String.valueOf(file.getFileName()).startsWith(".tmp-")
                && KEPT.stream().anyMatch(name -> file.startsWith(state.resolve(name)));
    }

    /** Returns the end of what agents have logged. */
    String agentLog() {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.walk(state.resolve("log"))) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
                text.append("--- end of ").append(file).append('\n');
                lines.subList(Math.max(0, lines.size() - 25), lines.size())
                        .forEach(line -> text.append(line).append('\n'));
            }
        } catch (IOException e) {
            text.append("the agent's log can't be read: ").append(e);
        }
        return text.toString();
    }
}
