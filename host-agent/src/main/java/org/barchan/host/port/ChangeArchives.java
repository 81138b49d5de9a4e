package org.barchan.host.port;

import java.io.IOException;
import java.io.OutputStream;
import org.barchan.host.sandbox.SandboxException;

/** Makes archives of what was written to overlays. Safe for use by many threads. */
public interface ChangeArchives {
    /**
     * Writes an archive of all that a guest has, with what is in files.
     *
     * @param out stays open
     * @throws SandboxException as {@link Guest#readChanges}; what was written by then is no whole archive
     * @throws IOException what {@code out} throws
     */
    void write(Guest guest, OutputStream out) throws SandboxException, InterruptedException, IOException;
}
