package org.barchan.nativeimage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** A digest of all that a result is made of; equal digests mean that there is nothing to do. */
final class InputDigest {
    private final MessageDigest digest;

    InputDigest() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Adds a text. */
    InputDigest add(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // The length keeps "ab", "c" apart from "a", "bc".
        digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
        digest.update(bytes);
        return this;
    }

    /**
     * Adds the content of a file, or of all files below a directory with their names.
     *
     * @throws BuildException if something can't be read
     */
    InputDigest add(Path path) throws BuildException {
        try (Stream<Path> walk = Files.walk(path)) {
            List<Path> files = walk.filter(Files::isRegularFile).sorted().toList();
            for (Path file : files) {
                add(path.relativize(file).toString());
                byte[] content = Files.readAllBytes(file);
                digest.update((content.length + ":").getBytes(StandardCharsets.UTF_8));
                digest.update(content);
            }
            return this;
        } catch (IOException | UncheckedIOException e) {
            throw new BuildException("can't read " + path + ": " + e, e);
        }
    }

    /** Returns the digest in hexadecimal. Nothing can be added after that. */
    String finish() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
