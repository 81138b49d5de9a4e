package org.barchan.guest.api;

import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.v1.ConnectOpen;

/** A socket of the kernel, connected to what listens in the sandbox. */
final class PortSocket implements StreamSocket {
    private final int fd;
    private final int event;
    /** Guarded by this. */
    private boolean closed;

    PortSocket(int fd, int event) {
        this.fd = fd;
        this.event = event;
    }

    /**
     * Connects; blocks for 10 s at most.
     *
     * @param root the directory that is the sandbox's root
     * @throws IllegalStateException when there is no sandbox
     */
    static StreamSocket connect(ConnectOpen target, Optional<String> root) throws Errno {
        String directory = root.orElseThrow(
                () -> new IllegalStateException("connect: there is no sandbox that anything listens in"));
        int event = Linux.eventfd();
        try {
            return new PortSocket(connect(target, directory), event);
        } catch (Errno e) {
            Linux.close(event);
            throw e;
        }
    }

    private static int connect(ConnectOpen target, String root) throws Errno {
        if (target.hasUdpPort()) {
            return Linux.connectUdp(target.getUdpPort());
        }
        return target.hasUnixPath()
                ? Linux.connectUnix(root, target.getUnixPath().toByteArray())
                : Linux.connectTcp(target.getTcpPort());
    }

    @Override
    public int read(byte[] buffer, int size) {
        return Linux.read(fd, buffer, 0, size);
    }

    @Override
    public int write(byte[] bytes, int from, int size) {
        return size == 0 ? Linux.writeNothing(fd) : Linux.write(fd, bytes, from, size);
    }

    @Override
    public void shutdownWrite() {
        Linux.shutdownWrite(fd);
    }

    @Override
    public boolean await(boolean read, boolean write, int millis) throws Errno {
        int events = (read ? Linux.POLLIN : 0) | (write ? Linux.POLLOUT : 0);
        // A socket that has been hung up says so even if nothing is asked.
        int happened = Linux.poll(events == 0 ? -1 : fd, events, event, Linux.POLLIN, millis);
        if (happened >> 16 != 0) {
            Linux.clearEvent(event);
        }
        return happened != 0;
    }

    @Override
    public synchronized void wake() {
        if (!closed) {
            Linux.signalEvent(event);
        }
    }

    @Override
    public synchronized void close(boolean reset) {
        closed = true;
        if (reset) {
            Linux.resetOnClose(fd);
        }
        Linux.close(fd);
        Linux.close(event);
    }
}
