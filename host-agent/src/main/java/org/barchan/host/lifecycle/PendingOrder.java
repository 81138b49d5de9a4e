package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import org.barchan.state.v1.KeptOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was ordered of a sandbox whose process was not started yet: a file in the directory of what is kept of it, which the agent's user alone can
 * read, as environments hold secrets. It is there until the process has been started, under another name meanwhile, by which an agent that comes
 * later knows that there may be a machine. Safe for use by many threads.
 */
final class PendingOrder {
    private static final Logger LOG = LoggerFactory.getLogger(PendingOrder.class);
    private static final String WAITS = "order";
    private static final String TAKEN = "order.taken";

    private final Path directory;
    private boolean taken;

    private PendingOrder(Path directory, boolean taken) {
        this.directory = directory;
        this.taken = taken;
    }

    /** Writes one to a directory that is there. */
    static void write(Path directory, KeptOrder order) throws IOException {
        Path file = directory.resolve(WAITS);
        try (SeekableByteChannel channel = Files.newByteChannel(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SYNC),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer bytes = order.toByteString().asReadOnlyByteBuffer();
            while (bytes.hasRemaining()) {
                var _ = channel.write(bytes);
            }
        }
    }

    /** Returns the one of a directory, if there is one. */
    static Optional<PendingOrder> find(Path directory) {
        if (Files.exists(directory.resolve(WAITS))) {
            return Optional.of(new PendingOrder(directory, false));
        }
        return Files.exists(directory.resolve(TAKEN))
                ? Optional.of(new PendingOrder(directory, true))
                : Optional.empty();
    }

    /** Whether somebody does it now, or did when a former agent died. */
    synchronized boolean isTaken() {
        return taken;
    }

    /** Returns what was ordered. */
    synchronized KeptOrder read() throws IOException {
        return KeptOrder.parseFrom(Files.readAllBytes(file()));
    }

    /** It is being done. */
    synchronized void take() throws IOException {
        Files.move(file(), directory.resolve(TAKEN), StandardCopyOption.ATOMIC_MOVE);
        taken = true;
    }

    /** It could not be done, and waits again. */
    synchronized void giveBack() {
        try {
            Files.move(file(), directory.resolve(WAITS), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // A later agent looks for a machine first, and finds none.
            LOG.warn("{}: noting that it was not started: {}", directory, e.toString());
        }
        taken = false;
    }

    /** Done, or not to be done any more. */
    synchronized void remove() {
        try {
            Files.deleteIfExists(directory.resolve(WAITS));
            Files.deleteIfExists(directory.resolve(TAKEN));
        } catch (IOException e) {
            LOG.warn("{}: removing what was ordered: {}", directory, e.toString());
        }
    }

    private Path file() {
        Path waits = directory.resolve(WAITS);
        return Files.exists(waits) ? waits : directory.resolve(TAKEN);
    }
}
