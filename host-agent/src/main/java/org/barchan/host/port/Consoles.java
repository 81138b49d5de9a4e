package org.barchan.host.port;

import java.nio.file.Path;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;

/** Reads the consoles of guests. */
@FunctionalInterface
public interface Consoles {
    /**
     * Connects to a console and reads it from now on.
     *
     * @param socket the unix socket that the console writes to
     * @throws SandboxException {@code LOST} when nothing listens there
     */
    Console open(SandboxId id, Path socket) throws SandboxException;
}
