package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the memory of a machine that goes on from a saved one, while libvirt still talks to its QEMU about other things. Safe for use by
 * many threads.
 */
final class MemoryFill {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryFill.class);
    private static final long LOOK_AGAIN_MILLIS = 100;

    private final SavedMachine saved;
    private final Path directory;
    private final Path socket;
    private final SavedMachine.MemorySource memory;
    private final CompletableFuture<Boolean> filled = new CompletableFuture<>();

    private MemoryFill(SavedMachine saved, Path directory, Path socket, SavedMachine.MemorySource memory) {
        this.saved = saved;
        this.directory = directory;
        this.socket = socket;
        this.memory = memory;
    }

    /**
     * Begins before the machine is started; ends by itself when it is not.
     *
     * @param directory goes if the machine does not start
     * @param socket made there by QEMU once it has all that the machine is made of
     */
    static MemoryFill begin(SavedMachine saved, Path directory, Path socket, SavedMachine.MemorySource memory) {
        MemoryFill fill = new MemoryFill(saved, directory, socket, memory);
        Thread.ofPlatform().daemon().name("memory-fill").start(fill::run);
        return fill;
    }

    private void run() {
        try {
            filled.complete(saved.hasMemory() && saved.fill(() -> awaitSocket() ? memory.open() : Optional.empty()));
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            filled.completeExceptionally(e);
        }
    }

    private boolean awaitSocket() throws InterruptedException {
        try (WatchService watch = directory.getFileSystem().newWatchService()) {
            var _ = directory.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            while (!Files.exists(socket)) {
                if (!Files.isDirectory(directory)) {
                    return false;
                }
                var _ = watch.poll(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
            }
            return true;
        } catch (IOException e) {
            // The user may have as many watches as the host allows; nothing is wrong with what is saved.
            LOG.warn("the memory of {} is left to QEMU, which takes longer: {}", directory.getFileName(), e.toString());
            return false;
        }
    }

    /**
     * Waits until it is done, for a machine that was started.
     *
     * @return whether the memory was filled; false: QEMU has to
     * @throws IOException as {@link SavedMachine#fill}
     */
    boolean await() throws IOException {
        try {
            return filled.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
