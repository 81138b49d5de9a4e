package org.barchan.host.config;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How the agent is set up.
 *
 * @param home BARCHAN_HOME: where Barchan is installed
 * @param runtimeDirectory BARCHAN_RUNTIME_DIR: sockets and locks
 * @param stateDirectory BARCHAN_STATE_DIR: caches, logs, libvirt's own state
 * @param idleTimeout BARCHAN_IDLE_TIMEOUT: how long an agent without calls and sandboxes stays
 * @param templates BARCHAN_TEMPLATES: whether guests go on from saved ones: {@code on}, the default, or {@code off}
 * @param pool BARCHAN_POOL: how many guests may wait for sandboxes
 * @param metrics BARCHAN_METRICS: where metrics are served; empty: nowhere, the default
 * @param logFormat BARCHAN_LOG_FORMAT: {@code text}, the default, or {@code json}
 * @param kvmProofDeadline BARCHAN_KVM_PROOF_TIMEOUT: how long a guest may take to answer for KVM to count as working
 * @param kvmBootDeadline BARCHAN_KVM_BOOT_TIMEOUT: how long a guest under KVM may take to answer
 * @param tcgBootDeadline BARCHAN_TCG_BOOT_TIMEOUT: how long an emulated guest may take to answer
 */
public record AgentConfig(
        Path home,
        Path runtimeDirectory,
        Path stateDirectory,
        Duration idleTimeout,
        boolean templates,
        int pool,
        Optional<InetSocketAddress> metrics,
        LogFormat logFormat,
        Duration kvmProofDeadline,
        Duration kvmBootDeadline,
        Duration tcgBootDeadline) {
    /** A unix socket's path is at most 107 bytes, and the longest below this directory is 31 bytes longer. */
    private static final int MAX_RUNTIME_PATH_BYTES = 68;

    /** Each takes the memory of a guest. */
    private static final int MAX_POOL = 1000;

    /** Not the shorter forms of IPv4, of which 0 is all addresses of the host. */
    private static final Pattern ADDRESS = Pattern.compile(
            "((?<ipv4>[0-9]{1,3}(\\.[0-9]{1,3}){3})|\\[(?<ipv6>[0-9a-fA-F:.]{2,45})\\]):(?<port>[0-9]{1,5})");

    /** How each record of the log is written, in one line. */
    public enum LogFormat {
        /** For people. */
        TEXT,
        /** An object. */
        JSON
    }

    /** The socket that the agent serves. */
    public Path socket() {
        return runtimeDirectory.resolve("agent.sock");
    }

    /** The lock that an agent holds as long as it lives. */
    public Path lock() {
        return runtimeDirectory.resolve("agent.lock");
    }

    public Path logDirectory() {
        return stateDirectory.resolve("log");
    }

    /** The program that puts together what a sandbox sees of the host's file systems. */
    public Path viewProgram() {
        return home.resolve("host-agent/target/lib/barchan-view");
    }

    /** What the guest's initrd is made of. */
    public Path guestTree() {
        return home.resolve("guest-init/target/guest");
    }

    /**
     * Reads the configuration.
     *
     * @param environment the process's environment
     * @param userHome the user's home directory
     * @param root whether the agent's user is root
     * @throws InvalidConfigException naming everything that is wrong
     */
    public static AgentConfig of(Map<String, String> environment, Path userHome, boolean root)
            throws InvalidConfigException {
        Reader reader = new Reader(environment);
        AgentConfig config = new AgentConfig(
                reader.path("BARCHAN_HOME").orElseGet(() -> {
                    reader.problems.add("BARCHAN_HOME: not set (expected: where Barchan is installed; bin/barchan-agent"
                            + " sets it)");
                    return Path.of("/");
                }),
                reader.path("BARCHAN_RUNTIME_DIR").orElseGet(() -> reader.defaultRuntime(root)),
                reader.path("BARCHAN_STATE_DIR").orElseGet(() -> reader.defaultState(root, userHome)),
                reader.duration("BARCHAN_IDLE_TIMEOUT", Duration.ofMinutes(10)),
                reader.on("BARCHAN_TEMPLATES", true),
                reader.number("BARCHAN_POOL", 0, MAX_POOL),
                reader.address("BARCHAN_METRICS"),
                reader.logFormat("BARCHAN_LOG_FORMAT"),
                reader.duration("BARCHAN_KVM_PROOF_TIMEOUT", Duration.ofSeconds(10)),
                reader.duration("BARCHAN_KVM_BOOT_TIMEOUT", Duration.ofSeconds(20)),
                reader.duration("BARCHAN_TCG_BOOT_TIMEOUT", Duration.ofSeconds(60)));
        int length = config.runtimeDirectory.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_RUNTIME_PATH_BYTES) {
            reader.problems.add("runtime directory: " + config.runtimeDirectory + " is " + length
                    + " bytes long (expected: at most " + MAX_RUNTIME_PATH_BYTES
                    + ", since unix sockets lie below it; set BARCHAN_RUNTIME_DIR to a shorter path)");
        }
        if (!reader.problems.isEmpty()) {
            throw new InvalidConfigException(reader.problems);
        }
        return config;
    }

    /** Everything that is wrong with a configuration. */
    public static final class InvalidConfigException extends Exception {
        private static final long serialVersionUID = 1L;

        InvalidConfigException(List<String> problems) {
            super("the agent's configuration is wrong:\n  " + String.join("\n  ", problems));
        }
    }

    private static final class Reader {
        private final Map<String, String> environment;
        private final List<String> problems = new ArrayList<>();

        Reader(Map<String, String> environment) {
            this.environment = environment;
        }

        Optional<String> text(String key) {
            return Optional.ofNullable(environment.get(key)).filter(value -> !value.isEmpty());
        }

        Optional<Path> path(String key) {
            Optional<Path> path = text(key).map(Path::of);
            if (path.isPresent() && !path.get().isAbsolute()) {
                problems.add(key + ": " + path.get() + " (expected: an absolute path)");
            }
            return path;
        }

        boolean on(String key, boolean otherwise) {
            String value = text(key).orElse(otherwise ? "on" : "off");
            if (!value.equals("on") && !value.equals("off")) {
                problems.add(key + ": '" + value + "' (expected: on or off)");
            }
            return value.equals("on");
        }

        LogFormat logFormat(String key) {
            String value = text(key).orElse("text");
            if (!value.equals("text") && !value.equals("json")) {
                problems.add(key + ": '" + value + "' (expected: text or json)");
            }
            return value.equals("json") ? LogFormat.JSON : LogFormat.TEXT;
        }

        int number(String key, int otherwise, int most) {
            Optional<String> value = text(key);
            if (value.isEmpty()) {
                return otherwise;
            }
            int number = value.get().matches("[0-9]{1,6}") ? Integer.parseInt(value.get()) : -1;
            if (number < 0 || number > most) {
                problems.add(key + ": '" + value.get() + "' (expected: a whole number from 0 to " + most + ")");
            }
            return number;
        }

        Optional<InetSocketAddress> address(String key) {
            Optional<String> value = text(key);
            Optional<InetSocketAddress> address = value.flatMap(Reader::parse);
            if (value.isPresent() && address.isEmpty()) {
                problems.add(key + ": '" + value.get()
                        + "' (expected: an IP address and a port, like 127.0.0.1:9464 or [::1]:9464)");
            }
            return address;
        }

        private static Optional<InetSocketAddress> parse(String text) {
            Matcher matcher = ADDRESS.matcher(text);
            int port = matcher.matches() ? Integer.parseInt(matcher.group("port")) : 0;
            if (port < 1 || port > 65535) {
                return Optional.empty();
            }
            try {
                String ipv4 = matcher.group("ipv4");
                InetAddress address = InetAddress.ofLiteral(ipv4 == null ? matcher.group("ipv6") : ipv4);
                return Optional.of(new InetSocketAddress(address, port));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }

        Duration duration(String key, Duration otherwise) {
            return text(key).map(value -> parse(key, value)).orElse(otherwise);
        }

        private Duration parse(String key, String value) {
            Duration duration = Duration.ZERO;
            try {
                String number = value.replaceFirst("(ms|s|m|h)$", "");
                long amount = Long.parseLong(number);
                duration = switch (value.substring(number.length())) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    case "h" -> Duration.ofHours(amount);
                    default -> Duration.ofSeconds(amount);
                };
            } catch (ArithmeticException | NumberFormatException e) {
                // Zero is refused below.
            }
            if (duration.compareTo(Duration.ofMillis(1)) < 0 || duration.compareTo(Duration.ofDays(3650)) > 0) {
                problems.add(key + ": '" + value
                        + "' (expected: a positive whole number with the unit ms, s, m or h, seconds without one)");
            }
            return duration;
        }

        Path defaultRuntime(boolean root) {
            if (root) {
                return Path.of("/run/barchan");
            }
            return path("XDG_RUNTIME_DIR").map(dir -> dir.resolve("barchan")).orElseGet(() -> {
                problems.add("BARCHAN_RUNTIME_DIR: not set, and XDG_RUNTIME_DIR neither (expected: one of them)");
                return Path.of("/");
            });
        }

        Path defaultState(boolean root, Path userHome) {
            return root
                    ? Path.of("/var/lib/barchan")
                    : path("XDG_STATE_HOME")
                            .orElse(userHome.resolve(".local/state"))
                            .resolve("barchan");
        }
    }
}
