package org.barchan.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * One side of a copy.
 *
 * @param sandbox empty: the path is one of the host
 * @param path without "/." and slashes at its end; in a sandbox absolute, with "." and ".." resolved by the letter
 * @param contents whether what is in the directory is meant, not the directory itself
 * @param directory whether it has to be one, as it ends in a slash
 */
record CopyPath(Optional<String> sandbox, String path, boolean contents, boolean directory) {
    /** A name of a sandbox has no slash, and does not begin with a dot. */
    static CopyPath parse(String text) {
        int colon = text.indexOf(':');
        boolean inSandbox = colon > 0 && text.charAt(0) != '.' && text.lastIndexOf('/', colon) < 0;
        String given = inSandbox ? text.substring(colon + 1) : text;
        if (given.isEmpty()) {
            throw new IllegalArgumentException("'" + text + "': no path (expected: "
                    + (inSandbox ? "NAME:PATH, for example " + text + "/tmp)" : "a file or directory)"));
        }
        boolean contents = given.equals(".") || given.endsWith("/.");
        boolean directory = given.endsWith("/") || contents;
        String path =
                inSandbox ? normalized(given) : trimmed(contents ? given.substring(0, given.length() - 1) : given);
        return new CopyPath(
                inSandbox ? Optional.of(text.substring(0, colon)) : Optional.empty(), path, contents, directory);
    }

    private static String trimmed(String path) {
        int end = path.length();
        while (end > 1 && path.charAt(end - 1) == '/') {
            end--;
        }
        return end == 0 ? "." : path.substring(0, end);
    }

    private static String normalized(String path) {
        Deque<String> parts = new ArrayDeque<>();
        for (String part : path.split("/", -1)) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.addLast(part);
            }
        }
        return "/" + String.join("/", parts);
    }

    /** Returns what the file is called; empty for the root and what ends in a dot. */
    String name() {
        String name = path.substring(path.lastIndexOf('/') + 1);
        return name.equals(".") || name.equals("..") ? "" : name;
    }

    /** Returns the directory that it is in. */
    String parent() {
        int slash = path.lastIndexOf('/');
        return slash < 0 ? "." : slash == 0 ? "/" : path.substring(0, slash);
    }

    static String below(String directory, String name) {
        return directory.endsWith("/") ? directory + name : directory + "/" + name;
    }
}
