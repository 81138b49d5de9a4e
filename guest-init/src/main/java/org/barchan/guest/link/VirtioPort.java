package org.barchan.guest.link;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.syscall.Uevents;

/** The guest's end of a virtio-serial port. The device's number varies from machine to machine: only its name is certain. */
public final class VirtioPort implements HostPort {
    private static final Path PORTS = Path.of("/sys/class/virtio-ports");
    /** The kernel takes at most this much in one write(2). */
    private static final int WRITE_SIZE = 32 * 1024;

    private final int fd;

    private VirtioPort(int fd) {
        this.fd = fd;
    }

    /** Opens a port as soon as its device is there. */
    public static VirtioPort open(String name, Uevents uevents, Duration timeout) throws IOException, Errno {
        String device = uevents.await("virtio-serial port named " + name, () -> find(name), timeout);
        return new VirtioPort(Linux.open("/dev/" + device, Linux.O_RDWR | Linux.O_NONBLOCK));
    }

    private static Optional<String> find(String name) throws IOException {
        try (DirectoryStream<Path> ports = Files.newDirectoryStream(PORTS)) {
            for (Path port : ports) {
                if (name.equals(nameOf(port))) {
                    return Optional.of(String.valueOf(port.getFileName()));
                }
            }
            return Optional.empty();
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty(); // The driver has not registered yet.
        }
    }

    private static String nameOf(Path port) {
        try {
            return SmallFile.read(port.resolve("name").toString());
        } catch (Errno e) {
            return ""; // The name comes a little after the port.
        }
    }

    @Override
    public int read(byte[] buffer, int offset, int size) throws IOException {
        while (true) {
            int n = Linux.read(fd, buffer, offset, size);
            if (n >= 0) {
                return n;
            }
            if (n != -Errno.EAGAIN) {
                throw new IOException("read the port: " + Errno.describe(-n));
            }
            await(Linux.POLLIN);
        }
    }

    @Override
    public void write(byte[] buffer, int offset, int size) throws IOException {
        int end = offset + size;
        int at = offset;
        while (at < end) {
            int n = Linux.write(fd, buffer, at, Math.min(WRITE_SIZE, end - at));
            if (n > 0) {
                at += n;
            } else if (n != -Errno.EAGAIN) {
                throw new IOException("write the port: " + Errno.describe(-n));
            } else if ((await(Linux.POLLOUT) & Linux.POLLHUP) != 0) {
                throw new IOException("write the port: the host has hung up");
            }
        }
    }

    @Override
    public void awaitHost() throws IOException {
        try {
            Linux.portWaitConnected(fd);
        } catch (Errno e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private int await(int events) throws IOException {
        try {
            return Linux.poll(fd, events, -1, 0, -1);
        } catch (Errno e) {
            throw new IOException(e.getMessage(), e);
        }
    }
}
