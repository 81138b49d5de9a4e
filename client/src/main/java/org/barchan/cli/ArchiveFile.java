package org.barchan.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.barchan.client.BarchanException;

/** A file that is there when it is whole, and not before: until then it has another name. Owned by one thread at a time. */
final class ArchiveFile extends OutputStream {
    private final Path file;
    private final Path written;
    private final OutputStream out;
    private volatile boolean whole;

    /** @throws IOException if it can't be written */
    ArchiveFile(Path file) throws IOException {
        this.file = file;
        // What is no file, as /dev/null or a FIFO, can't be replaced by one.
        boolean special = Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file);
        Path directory = file.toAbsolutePath().getParent();
        if (special || directory == null) {
            this.written = file;
            this.out = new BufferedOutputStream(Files.newOutputStream(file));
        } else {
            this.written = directory.resolve(
                    "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
            Files.deleteIfExists(written);
            this.out = new BufferedOutputStream(
                    Files.newOutputStream(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
            Signals.beforeExit(this::discard);
        }
    }

    private void discard() {
        try {
            if (!whole) {
                Files.deleteIfExists(written);
            }
        } catch (IOException e) {
            Messages.warning("removing " + written + ": " + e.getMessage());
        }
    }

    static BarchanException failure(String file, IOException e) {
        return new BarchanException(
                BarchanException.Code.PRECONDITION,
                "writing " + file + ": "
                        + (e.getMessage() == null
                                ? e.toString()
                                : e.getClass().getSimpleName() + ": " + e.getMessage()),
                e);
    }

    @Override
    public void write(int b) throws IOException {
        out.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
    }

    /** Gives it its name. */
    void finish() throws IOException {
        out.close();
        if (!written.equals(file)) {
            Files.move(written, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        }
        whole = true;
    }

    boolean isWhole() {
        return whole;
    }

    @Override
    public void close() throws IOException {
        if (!whole) {
            out.close();
            if (!written.equals(file)) {
                Files.deleteIfExists(written);
            }
        }
    }
}
