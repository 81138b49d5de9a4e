package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Gives a process its standard input: by a thread of its own, which ends with the input or with whoever reads it. */
final class StdinFeeder implements Runnable {
    private final GuestProcess process;
    private final int fd;
    private final int exitEvent;

    /**
     * Writes nothing yet.
     *
     * @param fd the pipe's end, non-blocking; closed at the end
     * @param exitEvent becomes readable when the process has ended
     */
    StdinFeeder(GuestProcess process, int fd, int exitEvent) {
        this.process = process;
        this.fd = fd;
        this.exitEvent = exitEvent;
    }

    @Override
    public void run() {
        try {
            while (true) {
                ByteString data = process.awaitInput();
                if (data == null || !writeAll(data.toByteArray())) {
                    break;
                }
            }
        } catch (InterruptedException e) {
            // Nobody does; then the process reads the end of its input.
        } finally {
            process.inputEnded();
            Linux.close(fd);
        }
    }

    /** Returns false when nobody reads any more. */
    private boolean writeAll(byte[] bytes) {
        int at = 0;
        while (at < bytes.length) {
            int n = Linux.write(fd, bytes, at, bytes.length - at);
            if (n > 0) {
                at += n;
                process.inputWritten(n);
            } else if (n != -Errno.EAGAIN || !awaitWritable()) {
                return false;
            }
        }
        return true;
    }

    private boolean awaitWritable() {
        try {
            int events = Linux.poll(fd, Linux.POLLOUT, exitEvent, Linux.POLLIN, -1);
            return events >> 16 == 0 && (events & Linux.POLLERR) == 0;
        } catch (Errno e) {
            return false;
        }
    }
}
