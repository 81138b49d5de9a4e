package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
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
            return Printable.of(lastLines(start > 0 ? text.substring(text.indexOf('\n') + 1) : text));
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            return "(" + file + " cannot be read: " + e.getMessage() + ")";
        }
    }

    /** Without the command line, which libvirt puts first, and whose lines all end in a backslash but the last. */
    private static String lastLines(String text) {
        Deque<String> last = new ArrayDeque<>();
        boolean inCommand = false;
        for (String line : text.lines().toList()) {
            boolean wasInCommand = inCommand;
            inCommand = line.endsWith(" \\");
            if (!inCommand && !wasInCommand && !line.isBlank()) {
                last.addLast(line + "\n");
            }
            if (last.size() > TAIL_LINES) {
                last.removeFirst();
            }
        }
        return String.join("", last);
    }

    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("the log of a machine that is gone, {}, cannot be removed", file, e);
        }
    }
}
