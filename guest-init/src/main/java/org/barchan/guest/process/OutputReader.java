package org.barchan.guest.process;

import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Takes in one stream of a process's output: by a thread of its own, which ends with the stream. */
final class OutputReader implements Runnable {
    /** How long output is awaited after the process has ended, from what it has left behind. */
    static final long DRAIN_NANOS = 500_000_000L;

    /** More than any pipe holds: what was written before the end has been read once this much was read after it. */
    static final int DRAIN_BYTES = 1024 * 1024;

    private final GuestProcess process;
    private final OutputBuffer buffer;
    private final int fd;
    private final int exitEvent;
    private long readAfterExit;

    /**
     * Reads nothing yet.
     *
     * @param fd the pipe's end or the terminal's side, non-blocking; closed at the end
     * @param exitEvent becomes readable when the process has ended
     */
    OutputReader(GuestProcess process, OutputBuffer buffer, int fd, int exitEvent) {
        this.process = process;
        this.buffer = buffer;
        this.fd = fd;
        this.exitEvent = exitEvent;
    }

    @Override
    public void run() {
        boolean abandoned = true;
        try {
            abandoned = !readToTheEnd();
        } catch (Errno | InterruptedException e) {
            // What was read is there; the terminal record says that there may be more.
        } finally {
            Linux.close(fd);
            process.outputEnded(abandoned);
        }
    }

    /** Returns false when the process has ended and its output, though still open, was not worth waiting for any more. */
    private boolean readToTheEnd() throws Errno, InterruptedException {
        while (true) {
            int room = process.awaitRoom(buffer);
            if (room == 0) {
                return false;
            }
            int n = Linux.read(fd, buffer.array(), buffer.writeIndex(), room);
            if (n > 0) {
                long exit = process.committed(buffer, n);
                if (exit != 0) {
                    readAfterExit += n;
                    if (readAfterExit >= DRAIN_BYTES && System.nanoTime() - exit >= DRAIN_NANOS) {
                        return false;
                    }
                }
            } else if (n != -Errno.EAGAIN) {
                return true;
            } else if (!awaitReadable()) {
                return false;
            }
        }
    }

    private boolean awaitReadable() throws Errno {
        while (true) {
            long exit = process.exitNanos();
            long left = exit == 0 ? 0 : exit + DRAIN_NANOS - System.nanoTime();
            if (exit != 0 && left <= 0) {
                return false;
            }
            int millis = exit == 0 ? -1 : (int) ((left + 999_999) / 1_000_000);
            int events = Linux.poll(fd, Linux.POLLIN, exit == 0 ? exitEvent : -1, Linux.POLLIN, millis);
            if ((events & 0xFFFF) != 0) {
                return true;
            }
        }
    }
}
