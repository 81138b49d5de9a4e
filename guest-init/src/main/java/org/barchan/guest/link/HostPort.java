package org.barchan.guest.link;

import java.io.IOException;

/** A byte stream to the host that has no connections of its own: a virtio-serial port. One thread reads, one writes. */
public interface HostPort {
    /**
     * Blocks until there are bytes.
     *
     * @return number of bytes read, or 0 when the host has hung up
     */
    int read(byte[] buffer, int offset, int size) throws IOException;

    /**
     * Blocks until all is written.
     *
     * @throws IOException when the host has hung up; a part may have been written
     */
    void write(byte[] buffer, int offset, int size) throws IOException;

    /** Blocks until a host is there. */
    void awaitHost() throws IOException;
}
