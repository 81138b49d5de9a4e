package org.barchan.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The lock that one agent holds for its life; the kernel releases it when the process ends, however it does. The file says who holds it:
 * {@code PID serving} or {@code PID stopping}.
 */
final class AgentLock implements AutoCloseable {
    private static final String STOPPING = "stopping";

    private final FileChannel file;

    private AgentLock(FileChannel file) {
        this.file = file;
    }

    /**
     * Takes the lock. Waits for an agent that is stopping, but for no other.
     *
     * @param patience how long to wait
     * @return empty when another agent has it
     */
    static Optional<AgentLock> take(Path path, Duration patience) throws IOException, InterruptedException {
        FileChannel file =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        boolean taken = false;
        try {
            FileLock lock = file.tryLock();
            if (lock == null && read(file).endsWith(STOPPING)) {
                lock = await(file, patience);
            }
            if (lock == null) {
                return Optional.empty();
            }
            AgentLock held = new AgentLock(file);
            held.write("serving");
            taken = true;
            return Optional.of(held);
        } finally {
            if (!taken) {
                file.close();
            }
        }
    }

    /** Returns the process id of the agent that holds a lock, as the file says. */
    static String holder(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            return read(file).split(" ", -1)[0];
        }
    }

    /** Tells agents to come that this one is about to end. */
    void stopping() throws IOException {
        write(STOPPING);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private static @Nullable FileLock await(FileChannel file, Duration patience)
            throws IOException, InterruptedException {
        CompletableFuture<FileLock> lock = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("lock").start(() -> {
            try {
                lock.complete(file.lock());
            } catch (IOException e) {
                lock.completeExceptionally(e);
            }
        });
        try {
            return lock.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (ExecutionException e) {
            throw new IOException("waiting for the agent's lock: " + e.getCause(), e);
        }
    }

    private void write(String what) throws IOException {
        file.truncate(0);
        file.write(StandardCharsets.UTF_8.encode(ProcessHandle.current().pid() + " " + what), 0);
    }

    private static String read(FileChannel file) throws IOException {
        ByteBuffer content = ByteBuffer.allocate(64);
        file.read(content, 0);
        return StandardCharsets.UTF_8.decode(content.flip()).toString();
    }
}
