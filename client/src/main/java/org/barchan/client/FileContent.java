package org.barchan.client;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes what is in a file, from its beginning on. Called by one thread. */
public interface FileContent {
    /**
     * Takes bytes.
     *
     * @param bytes of use during the call
     */
    void data(ByteBuffer bytes) throws IOException;

    /** Takes so many zero bytes, which take no room in the file. */
    void hole(long bytes) throws IOException;
}
