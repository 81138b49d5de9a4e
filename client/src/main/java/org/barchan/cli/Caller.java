package org.barchan.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.barchan.client.Identity;
import org.barchan.client.RawText;
import org.barchan.client.TerminalSize;

/**
 * Who calls, and from where, byte for byte: read from /proc, since Java decodes arguments and environment by the locale and loses
 * what does not fit.
 *
 * @param environment in the caller's order; see {@link RawText}
 * @param workingDirectory absolute, as the kernel names it
 * @param identity effective user and group, and supplementary groups
 * @param ignoredSignals bit N-1 stands for signal N
 * @param terminal of which size theirs is
 */
record Caller(
        Map<String, String> environment,
        String workingDirectory,
        Identity identity,
        long ignoredSignals,
        TerminalSize terminal) {
    private static final Path SELF = Path.of("/proc/self");

    static Caller current() {
        try {
            Map<String, String> status = status();
            List<Long> groups = numbers(status.getOrDefault("Groups", ""));
            long uid = numbers(status.getOrDefault("Uid", "")).get(1);
            long gid = numbers(status.getOrDefault("Gid", "")).get(1);
            return new Caller(
                    environment(Files.readAllBytes(SELF.resolve("environ"))),
                    currentDirectory(),
                    new Identity(uid, gid, groups, false),
                    Long.parseUnsignedLong(status.getOrDefault("SigIgn", "0"), 16),
                    LocalTerminal.size());
        } catch (IOException e) {
            throw new UncheckedIOException("reading /proc/self: is /proc mounted?", e);
        }
    }

    /** Returns the last words of this process's command line: what Java has decoded into {@code decoded}. */
    static List<String> arguments(String[] decoded) {
        try {
            List<String> all = split(Files.readAllBytes(SELF.resolve("cmdline")));
            if (all.size() > decoded.length) {
                return all.subList(all.size() - decoded.length, all.size());
            }
        } catch (IOException e) {
            // Without /proc nothing works; what needs it says so.
        }
        return List.of(decoded);
    }

    boolean isRoot() {
        return identity.uid() == 0;
    }

    boolean ignores(int signal) {
        return (ignoredSignals >>> (signal - 1) & 1) != 0;
    }

    /** Returns the path as seen from the working directory. Nothing is resolved: ".." behind a link is the sandbox's affair. */
    String absolute(String path) {
        if (path.startsWith("/")) {
            return path;
        }
        String relative = path.equals(".") ? "" : path.startsWith("./") ? path.substring(2) : path;
        String base = workingDirectory.endsWith("/") ? workingDirectory : workingDirectory + "/";
        return relative.isEmpty() ? workingDirectory : base + relative;
    }

    static Map<String, String> environment(byte[] block) {
        Map<String, String> environment = new LinkedHashMap<>();
        for (String entry : split(block)) {
            int equals = entry.indexOf('=');
            if (equals > 0) {
                environment.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
            }
        }
        return environment;
    }

    private static List<String> split(byte[] block) {
        List<String> words = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < block.length; i++) {
            if (block[i] == 0) {
                words.add(RawText.decode(Arrays.copyOfRange(block, from, i)));
                from = i + 1;
            }
        }
        return words;
    }

    private static Map<String, String> status() throws IOException {
        Map<String, String> status = new LinkedHashMap<>();
        for (String line : Files.readAllLines(SELF.resolve("status"), StandardCharsets.ISO_8859_1)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                status.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
        return status;
    }

    private static List<Long> numbers(String text) {
        return text.isBlank()
                ? List.of()
                : Arrays.stream(text.strip().split("\\s+")).map(Long::valueOf).toList();
    }

    /** A path's URI is the one form that gives all of its bytes, as %NN. */
    private static String currentDirectory() throws IOException {
        String uri = Files.readSymbolicLink(SELF.resolve("cwd")).toUri().getRawPath();
        byte[] bytes = new byte[uri.length()];
        int count = 0;
        for (int i = 0; i < uri.length(); i++) {
            if (uri.charAt(i) == '%') {
                bytes[count++] = (byte) Integer.parseInt(uri, i + 1, i + 3, 16);
                i += 2;
            } else {
                bytes[count++] = (byte) uri.charAt(i);
            }
        }
        boolean slash = count > 1 && bytes[count - 1] == '/';
        return RawText.decode(Arrays.copyOf(bytes, slash ? count - 1 : count));
    }
}
