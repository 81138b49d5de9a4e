package org.barchan.host.lifecycle;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import org.barchan.host.port.Host;
import org.barchan.host.sandbox.SandboxException;

/**
 * What there is room for: what is new is refused while something is left for what runs, so that no sandbox loses its output, its end or a client who
 * comes back because another one was started. Safe for use by many threads.
 */
final class Room {
    /** How many file descriptors a sandbox takes at most, while it is being started: its console, its link, libvirt's to QEMU, its log. */
    static final int SANDBOX_DESCRIPTORS = 16;

    /** How many a further process takes: its log, and a reader of it. */
    static final int PROCESS_DESCRIPTORS = 2;

    /** How many are left for those that run, and for clients. */
    static final int LEFT_DESCRIPTORS = 64;

    /** How much is left of the disk that state is kept on: for the ends of processes, and for what notes them. */
    static final long LEFT_STATE_BYTES = 16 << 20;

    /** How much is left where sockets and what belongs to them are. */
    static final long LEFT_RUNTIME_BYTES = 1 << 20;

    private final Host host;
    private final Path runtimeDirectory;
    private final Path stateDirectory;
    private final ToLongFunction<Path> free;
    private final AtomicInteger starting = new AtomicInteger();

    /** @param free how many bytes the file system of a directory has room for */
    Room(Host host, Path runtimeDirectory, Path stateDirectory, ToLongFunction<Path> free) {
        this.host = host;
        this.runtimeDirectory = runtimeDirectory;
        this.stateDirectory = stateDirectory;
        this.free = free;
    }

    /** What a sandbox that is being started may yet take. Freed once; more often does no harm. */
    final class Place {
        private final AtomicBoolean freed = new AtomicBoolean();

        private Place() {
            starting.incrementAndGet();
        }

        void free() {
            if (freed.compareAndSet(false, true)) {
                starting.decrementAndGet();
            }
        }
    }

    /**
     * Returns the place of a sandbox that is to be started; to be freed when it has all that it takes, or is gone.
     *
     * @throws SandboxException {@code EXHAUSTED}
     */
    Place forSandbox() throws SandboxException {
        Place place = new Place();
        boolean room = false;
        try {
            checkDescriptors("starting a sandbox", 0);
            checkDisks("starting a sandbox");
            room = true;
            return place;
        } finally {
            if (!room) {
                place.free();
            }
        }
    }

    /**
     * Checks that there is room for one more process that is kept.
     *
     * @throws SandboxException {@code EXHAUSTED}
     */
    void checkProcess(String action) throws SandboxException {
        checkDescriptors(action, PROCESS_DESCRIPTORS);
        checkDisks(action);
    }

    private void checkDescriptors(String action, int wanted) throws SandboxException {
        Host.Descriptors descriptors = host.descriptors();
        long needed = (long) starting.get() * SANDBOX_DESCRIPTORS + wanted + LEFT_DESCRIPTORS;
        if (descriptors.open() + needed > descriptors.limit()) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    action + ": " + descriptors.open() + " of the agent's " + descriptors.limit()
                            + " file descriptors are in use, and " + needed
                            + " have to be left. Delete sandboxes that are not needed, or start the agent with a higher limit"
                            + " (ulimit -n, LimitNOFILE= of its systemd unit)");
        }
    }

    private void checkDisks(String action) throws SandboxException {
        checkDisk(
                action, stateDirectory, LEFT_STATE_BYTES, ", for example by 'barchan rm' of sandboxes that have ended");
        checkDisk(action, runtimeDirectory, LEFT_RUNTIME_BYTES, "");
    }

    private void checkDisk(String action, Path directory, long least, String how) throws SandboxException {
        long left = free.applyAsLong(directory);
        if (left < least) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    action + ": " + directory + " has " + left / 1024 + " KiB of disk left, and " + least / 1024
                            + " KiB have to be left for what runs. Make room there" + how);
        }
    }
}
