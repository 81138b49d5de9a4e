package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.Optional;
import org.barchan.host.port.PortConnection;
import org.barchan.host.sandbox.SandboxException;

/**
 * A connection to what listens in a sandbox. One thread may write while another takes.
 *
 * <p>All methods that block throw {@code LOST} when who listens has reset it, or the sandbox is gone.
 */
public final class SandboxConnection implements AutoCloseable {
    private final PortConnection connection;

    SandboxConnection(PortConnection connection) {
        this.connection = connection;
    }

    /** Sends bytes; blocks while who listens does not read. */
    public void write(ByteString data) throws SandboxException, InterruptedException {
        connection.write(data);
    }

    /** Ends what is sent. */
    public void end() throws SandboxException {
        connection.end();
    }

    /** Returns what comes next; empty once nothing comes any more. */
    public Optional<ByteString> take() throws SandboxException, InterruptedException {
        return connection.take();
    }

    /** Lets go of it: resets it, unless both sides have ended it. */
    @Override
    public void close() {
        connection.close();
    }
}
