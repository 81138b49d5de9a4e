package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.io.IOException;
import org.barchan.host.sandbox.SandboxException;

/** Takes the files of a tree, one after the other, each directory before what is in it. Owned by one thread. */
public interface TreeTaker {
    /** @throws IOException when it can't be taken: nothing more is of use */
    void entry(TreeEntry entry) throws SandboxException, IOException, InterruptedException;

    /**
     * Takes data of the file before.
     *
     * @param data not empty, at most 64 KiB
     * @throws IOException when it can't be taken: nothing more is of use
     */
    void data(ByteString data) throws SandboxException, IOException, InterruptedException;
}
