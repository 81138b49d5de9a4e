package org.barchan.host.port;

import java.nio.file.Path;
import org.barchan.host.sandbox.SandboxId;

/** Reaches the inits of guests. */
public interface GuestLink extends AutoCloseable {
    /**
     * Returns a client of the guest behind a socket. Connects at the first call, and again, under a new epoch, whenever the link
     * was lost.
     */
    Guest open(SandboxId id, Path socket);

    /** Closes all clients. */
    @Override
    void close();
}
