package org.barchan.client.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;

/** Held by the one client that starts an agent, among all processes and threads. The kernel releases it when its holder dies. */
final class StartLock implements AutoCloseable {
    /** Record locks are a process's: threads of this one need a lock of their own. Taken before the file's. */
    private static final ReentrantLock THREADS = new ReentrantLock();

    private final FileChannel file;

    private StartLock(FileChannel file) {
        this.file = file;
    }

    static StartLock acquire(Path directory, Duration deadline) throws BarchanException {
        makePrivate(directory);
        Path path = directory.resolve("start.lock");
        long end = System.nanoTime() + deadline.toNanos();
        try {
            if (!THREADS.tryLock(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
                throw late(path, deadline);
            }
            FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                lock(file, path, deadline, end);
                return new StartLock(file);
            } catch (IOException | BarchanException | InterruptedException e) {
                file.close();
                throw e;
            }
        } catch (IOException e) {
            release();
            throw new BarchanException(Code.PRECONDITION, "can't lock " + path + " to start an agent: " + e, e);
        } catch (InterruptedException e) {
            release();
            Thread.currentThread().interrupt();
            throw new BarchanException(Code.CANCELLED, "interrupted while another client starts an agent", e);
        } catch (BarchanException e) {
            release();
            throw e;
        }
    }

    private static void release() {
        if (THREADS.isHeldByCurrentThread()) {
            THREADS.unlock();
        }
    }

    /** Blocks in the kernel on a thread of its own, which ends when the channel is closed. */
    private static void lock(FileChannel file, Path path, Duration deadline, long end)
            throws IOException, BarchanException, InterruptedException {
        if (file.tryLock() != null) {
            return;
        }
        CompletableFuture<FileLock> locked = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("barchan-start-lock").start(() -> {
            try {
                locked.complete(file.lock());
            } catch (IOException e) {
                locked.completeExceptionally(e);
            }
        });
        try {
            locked.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } catch (TimeoutException e) {
            throw late(path, deadline);
        }
    }

    private static BarchanException late(Path path, Duration deadline) {
        return new BarchanException(
                Code.TIMEOUT,
                "another client holds " + path + " and has not started an agent within " + deadline.toSeconds()
                        + " s; find it with: fuser -v " + path);
    }

    private static void makePrivate(Path directory) throws BarchanException {
        try {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Object owner = Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
            Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            if (!owner.equals(self)) {
                throw new BarchanException(
                        Code.DENIED,
                        directory + " belongs to user " + owner + ", not to you (" + self
                                + "): its owner could pose as the agent; set BARCHAN_RUNTIME_DIR to a directory of your own");
            }
        } catch (IOException e) {
            throw new BarchanException(
                    Code.PRECONDITION,
                    "can't make the runtime directory " + directory + ": " + e
                            + "; set BARCHAN_RUNTIME_DIR to a directory that you may write",
                    e);
        }
    }

    @Override
    public void close() throws BarchanException {
        try {
            file.close();
        } catch (IOException e) {
            throw new BarchanException(Code.INTERNAL, "closing the start lock: " + e, e);
        } finally {
            THREADS.unlock();
        }
    }
}
