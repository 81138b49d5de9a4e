package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes files that appear whole or not at all, also after a power cut, whoever else writes the same one; readable by any user,
 * because the hypervisor runs as another.
 */
final class DurableFile {
    private static final String TEMPORARY_PREFIX = ".tmp-";
    private static final Pattern TEMPORARY = Pattern.compile(Pattern.quote(TEMPORARY_PREFIX) + "(\\d+)-\\d+");

    private static final AtomicLong COUNTER = new AtomicLong();

    /** Writes the content of a file that is open for reading and writing. */
    @FunctionalInterface
    interface Content<E extends Exception> {
        void writeTo(FileChannel channel) throws IOException, E;
    }

    private DurableFile() {}

    static <E extends Exception> void write(Path file, Content<E> content) throws IOException, E {
        Path temporary =
                file.resolveSibling(TEMPORARY_PREFIX + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet());
        FileChannel opened = FileChannel.open(
                temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            try (FileChannel channel = opened) {
                content.writeTo(channel);
                Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-r--r--"));
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            try (FileChannel directory = FileChannel.open(temporary.resolveSibling("."), StandardOpenOption.READ)) {
                directory.force(true);
            }
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Whether a file is one that a process has begun to write and will never end. */
    static boolean isAbandoned(Path file) {
        Matcher matcher = TEMPORARY.matcher(file.getFileName().toString());
        return matcher.matches() && !Files.exists(Path.of("/proc", matcher.group(1)));
    }

    /** Writes a text together with its digest, so that {@link #readSealed} can tell damage. */
    static void writeSealed(Path file, String text) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(Sha256.ofText(text) + "\n" + text);
        DurableFile.<IOException>write(file, channel -> {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
    }

    /** Returns the text as it was written; empty when the file is not there or was damaged. */
    static Optional<String> readSealed(Path file) throws IOException {
        String[] parts;
        try {
            // Not readString: damage may have made it malformed UTF-8.
            parts = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n", 2);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        return parts.length == 2 && parts[0].equals(Sha256.ofText(parts[1])) ? Optional.of(parts[1]) : Optional.empty();
    }
}
