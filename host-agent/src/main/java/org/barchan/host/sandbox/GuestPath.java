package org.barchan.host.sandbox;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * An absolute path in a sandbox. Names of files are bytes there and need not be text: each char of {@code raw} stands for one byte.
 *
 * @param raw as ISO 8859-1 has it; without NUL, "." and "..", and with one slash at a time
 */
public record GuestPath(String raw) {
    private static final int MAX_BYTES = 4095;

    /** @throws IllegalArgumentException when it is not absolute, or has a part that is not allowed */
    public GuestPath {
        String shown = new String(raw.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        if (!raw.startsWith("/")) {
            throw new IllegalArgumentException("'" + shown + "' (expected: an absolute path)");
        }
        if (raw.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("holds NUL (expected: no NUL)");
        }
        if (raw.length() > MAX_BYTES) {
            throw new IllegalArgumentException(raw.length() + " bytes (expected: at most " + MAX_BYTES + ")");
        }
        raw = raw.replaceAll("/+", "/").replaceAll("(?<=.)/$", "");
        for (String part : raw.substring(1).split("/", -1)) {
            if (part.equals(".") || part.equals("..")) {
                throw new IllegalArgumentException("'" + shown + "' (expected: a path without '" + part + "')");
            }
        }
    }

    /** @throws IllegalArgumentException as the constructor */
    public static GuestPath of(byte[] bytes) {
        return new GuestPath(new String(bytes, StandardCharsets.ISO_8859_1));
    }

    /**
     * Returns a path without "." and "..", which are resolved by the letter.
     *
     * @throws IllegalArgumentException as the constructor
     */
    public static GuestPath normalized(byte[] bytes) {
        String raw = new String(bytes, StandardCharsets.ISO_8859_1);
        Deque<String> parts = new ArrayDeque<>();
        for (String part : raw.split("/", -1)) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.equals(".") && !part.isEmpty()) {
                parts.addLast(part);
            }
        }
        return new GuestPath((raw.startsWith("/") ? "/" : "") + String.join("/", parts));
    }

    public byte[] bytes() {
        return raw.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Whether it is another path or lies below it. */
    public boolean isAtOrBelow(String directory) {
        return isAtOrBelow(raw, directory);
    }

    /** Whether a path, of whatever form, is another path or lies below it. */
    public static boolean isAtOrBelow(String path, String directory) {
        return path.equals(directory) || path.startsWith(directory + "/");
    }

    /** Returns the path as text, for messages. */
    @Override
    public String toString() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }
}
