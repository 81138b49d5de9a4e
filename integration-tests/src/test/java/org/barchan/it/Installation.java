package org.barchan.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;

/**
 * Barchan in this source tree, with directories of its own.
 *
 * @param home the source tree
 * @param runtime where its sockets and locks are
 * @param state where its caches and the hypervisor's files are
 */
record Installation(Path home, Path runtime, Path state) {
    /** What stays in the state directory by design: caches and logs. */
    private static final List<String> KEPT = List.of("cache", "log", "logs");

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

    /** Returns where this test run may leave files; the guest sees it too, unlike /tmp. */
    static Path scratch() {
        try {
            return Files.createDirectories(Path.of(System.getProperty("barchan.scratch", "target/scratch"))
                    .toAbsolutePath());
        } catch (IOException e) {
            throw new AssertionError("cannot make the scratch directory", e);
        }
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

    Map<String, String> environment() {
        return Map.of("BARCHAN_RUNTIME_DIR", runtime.toString(), "BARCHAN_STATE_DIR", state.toString());
    }

    /** Whether a file is meant to stay when no sandbox is left. */
    boolean isKept(Path file) {
        if (!file.startsWith(state)) {
            return false;
        }
        for (Path part : state.relativize(file)) {
            if (KEPT.contains(part.toString())) {
                return true;
            }
        }
        return file.toString().endsWith(".log");
    }
}
