package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;

/**
 * A connection to what listens in a guest. One thread may write while another takes. What comes is held back by who does not take, and
 * that holds back no other connection. It is gone with the link.
 *
 * <p>All methods that block throw {@code LOST} when who listens has reset it, the guest is gone, or it was broken off: nothing has happened
 * for half an hour after one side has ended it, or nothing that was written was taken.
 */
public interface PortConnection extends AutoCloseable {
    /** Sends bytes; blocks while who listens does not read. A datagram is lost instead when it can't be sent at once. */
    void write(ByteString data) throws SandboxException, InterruptedException;

    /** Ends what is sent. */
    void end() throws SandboxException;

    /** Returns what comes next; empty once nothing comes any more. */
    Optional<ByteString> take() throws SandboxException, InterruptedException;

    /** Returns once what is sent has been ended. To be called when nothing comes any more: else {@link #take} tells. */
    void awaitEnd() throws SandboxException, InterruptedException;

    /** Lets go of the connection: resets it, unless both sides have ended it. */
    @Override
    void close();
}
