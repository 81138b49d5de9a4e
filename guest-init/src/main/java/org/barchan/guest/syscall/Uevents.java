package org.barchan.guest.syscall;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** The kernel's news of devices that come and change. For one thread at a time. */
public final class Uevents implements AutoCloseable {
    private final int fd;
    private final byte[] event = new byte[8192];

    private Uevents(int fd) {
        this.fd = fd;
    }

    /** Looks for a device. */
    @FunctionalInterface
    public interface Finder<T> {
        Optional<T> find() throws IOException;
    }

    /** Listens from now on: to be called before what brings the device, so that no event is missed. */
    public static Uevents listen() throws Errno {
        return new Uevents(Linux.uevents());
    }

    /**
     * Looks for a device now and after each event, until it is there.
     *
     * @param what names the device, for the message
     * @throws IOException what the finder throws, or when time is up
     */
    public <T> T await(String what, Finder<T> finder, Duration timeout) throws IOException, Errno {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            Optional<T> found = finder.find();
            if (found.isPresent()) {
                return found.get();
            }
            long left = deadline - System.nanoTime();
            if (left <= 0 || Linux.poll(fd, Linux.POLLIN, -1, 0, (int) (left / 1_000_000 + 1)) == 0) {
                throw new IOException("there is no " + what + " after " + timeout);
            }
            while (Linux.read(fd, event, 0, event.length) > 0) {
                // Which device it was does not matter: all are looked at again.
            }
        }
    }

    @Override
    public void close() {
        Linux.close(fd);
    }
}
