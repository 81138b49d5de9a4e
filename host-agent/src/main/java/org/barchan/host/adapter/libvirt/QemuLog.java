package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file that QEMU and libvirt log to about one machine. */
record QemuLog(Path file) {
    private static final Logger LOG = LoggerFactory.getLogger(QemuLog.class);
    private static final int TAIL_BYTES = 8192;
    private static final int TAIL_LINES = 20;

    /** Returns the last lines, control characters escaped; empty if there is no log. */
    String tail() {
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            long start = Math.max(0, channel.size() - TAIL_BYTES);
            channel.position(start);
            ByteBuffer buffer = ByteBuffer.allocate(TAIL_BYTES);
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // Read on.
            }
            String text = new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
            String[] lines = text.split("\n", -1);
            int first = Math.max(start > 0 ? 1 : 0, lines.length - 1 - TAIL_LINES);
            return Printable.of(String.join(
                    "\n", java.util.Arrays.copyOfRange(lines, Math.min(first, lines.length), lines.length)));
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException | UncheckedIOException e) {
            return "(" + file + " cannot be read: " + e.getMessage() + ")";
        }
    }

    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("the log of a machine that is gone, {}, cannot be removed", file, e);
        }
    }
}
