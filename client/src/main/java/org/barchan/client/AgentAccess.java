package org.barchan.client;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How an agent is reached.
 *
 * @param socket the unix socket that it listens on
 * @param start how to start one when none listens; empty: none is started
 */
public record AgentAccess(Path socket, Optional<AgentStart> start) {
    /** The longest path of a unix socket, in bytes (unix(7)). */
    private static final int MAXIMUM_SOCKET_PATH = 107;

    /** @throws IllegalArgumentException if Linux can't take the socket's path */
    public AgentAccess {
        int length = RawText.encode(socket.toString()).length;
        if (length > MAXIMUM_SOCKET_PATH) {
            throw new IllegalArgumentException("agent socket: " + socket + " has " + length
                    + " bytes (expected: at most " + MAXIMUM_SOCKET_PATH + "): choose a shorter BARCHAN_RUNTIME_DIR");
        }
    }

    /**
     * How an agent is started.
     *
     * @param launcher the program {@code barchan-agent}
     * @param runtimeDirectory where clients agree on who starts it; made if missing
     * @param deadline how long it may take until it listens
     */
    public record AgentStart(Path launcher, Path runtimeDirectory, Duration deadline) {}

    /**
     * Reads what the environment says: {@code BARCHAN_ADDRESS} (a socket's path, also with {@code unix:} before it; then no agent is
     * started), else the agent of the runtime directory, which is {@code BARCHAN_RUNTIME_DIR}, else /run/barchan for root, else
     * {@code $XDG_RUNTIME_DIR/barchan}. {@code BARCHAN_HOME} is the installation whose agent is started.
     *
     * @throws BarchanException if it does not say enough
     */
    public static AgentAccess fromEnvironment(Map<String, String> environment, boolean root) throws BarchanException {
        try {
            return read(environment, root);
        } catch (IllegalArgumentException e) {
            throw new BarchanException(BarchanException.Code.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    private static AgentAccess read(Map<String, String> environment, boolean root) throws BarchanException {
        String address = environment.getOrDefault("BARCHAN_ADDRESS", "");
        if (!address.isEmpty()) {
            String path = address.startsWith("unix:") ? address.substring("unix:".length()) : address;
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("BARCHAN_ADDRESS: '" + address
                        + "' (expected: the absolute path of an agent's unix socket, with or without 'unix:')");
            }
            return new AgentAccess(Path.of(path.replaceFirst("^/{2,}", "/")), Optional.empty());
        }
        Path runtime = runtimeDirectory(environment, root);
        Optional<AgentStart> start = Optional.of(environment.getOrDefault("BARCHAN_HOME", ""))
                .filter(home -> !home.isEmpty())
                .map(home -> new AgentStart(Path.of(home, "bin", "barchan-agent"), runtime, Duration.ofSeconds(30)));
        return new AgentAccess(runtime.resolve("agent.sock"), start);
    }

    private static Path runtimeDirectory(Map<String, String> environment, boolean root) throws BarchanException {
        String chosen = environment.getOrDefault("BARCHAN_RUNTIME_DIR", "");
        if (!chosen.isEmpty()) {
            if (!chosen.startsWith("/")) {
                throw new IllegalArgumentException(
                        "BARCHAN_RUNTIME_DIR: '" + chosen + "' (expected: an absolute path)");
            }
            return Path.of(chosen);
        }
        if (root) {
            return Path.of("/run/barchan");
        }
        String xdg = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        if (!xdg.startsWith("/")) {
            throw new BarchanException(
                    BarchanException.Code.PRECONDITION,
                    "can't tell where the agent's socket is: neither BARCHAN_RUNTIME_DIR nor XDG_RUNTIME_DIR is set;"
                            + " set BARCHAN_RUNTIME_DIR to a directory of your own with a short path");
        }
        return Path.of(xdg, "barchan");
    }
}
