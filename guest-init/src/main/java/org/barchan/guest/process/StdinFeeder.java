package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Gives a process its standard input: by a thread of its own, which ends with the input or with whoever reads it. */
final class StdinFeeder implements Runnable {
    private final GuestProcess process;
    private final int fd;
    private final boolean terminal;
    private final int exitEvent;
    private boolean lineBegun;

    /**
     * Writes nothing yet.
     *
     * @param fd the pipe's end or the terminal's side, non-blocking; closed at the end
     * @param terminal whether it is a terminal, which does not end by being closed
     * @param exitEvent becomes readable when the process has ended
     */
    StdinFeeder(GuestProcess process, int fd, boolean terminal, int exitEvent) {
        this.process = process;
        this.fd = fd;
        this.terminal = terminal;
        this.exitEvent = exitEvent;
    }

    @Override
    public void run() {
        try {
            while (true) {
                ByteString data = process.awaitInput();
                if (data == null) {
                    end();
                    break;
                }
                if (!writeAll(data.toByteArray())) {
                    break;
                }
                lineBegun = data.byteAt(data.size() - 1) != '\n';
            }
        } catch (Errno | InterruptedException e) {
            // Nobody does; then the process reads the end of its input.
        } finally {
            process.inputEnded();
            Linux.close(fd);
        }
    }

    /** Types what ends the input of who reads lines from a terminal: the first time, it ends the line that was begun. */
    private void end() throws Errno {
        int character = terminal ? Linux.endOfFileCharacter(fd) : 0;
        if (character > 0) {
            byte[] typed = {(byte) character, (byte) character};
            writeAll(lineBegun ? typed : new byte[] {typed[0]});
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
