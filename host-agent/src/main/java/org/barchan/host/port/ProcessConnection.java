package org.barchan.host.port;

import com.google.protobuf.ByteString;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.StdinProgress;

/**
 * The standard streams of a process in a guest. One thread may write while another takes. It survives the loss of the link: it
 * attaches again at the offsets it has reached.
 */
public interface ProcessConnection extends AutoCloseable {
    /**
     * Sends bytes to standard input; blocks while the process does not read.
     *
     * @return false when nobody reads standard input any more, or it was ended: the bytes are gone, and there is no use in sending more
     */
    boolean write(ByteString data) throws SandboxException, InterruptedException;

    /** Returns how far standard input has come. Blocks until the guest has said so. */
    StdinProgress stdin() throws SandboxException, InterruptedException;

    /** Ends standard input; what has ended stays so. */
    void closeStdin() throws SandboxException, InterruptedException;

    /**
     * Returns the next event: {@code started}, if it was started here, output, or the termination, which is the last. Taking one acknowledges the one before, so that the process is
     * held back by who does not take.
     */
    ProcessEvent take() throws SandboxException, InterruptedException;

    /** Lets go of the streams; the process runs on. */
    @Override
    void close();
}
