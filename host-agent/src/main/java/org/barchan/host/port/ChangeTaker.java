package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.io.IOException;
import org.barchan.v1.Change;

/** Takes what was written to the overlays of a sandbox. Owned by one thread. */
@FunctionalInterface
public interface ChangeTaker {
    /**
     * Takes a change. Its path is absolute, and has no part that leads anywhere else.
     *
     * @throws IOException when it can't be taken: nothing more is read
     */
    void change(Change change) throws IOException, InterruptedException;

    /** Takes content of the regular file that came before: in all, as many bytes as its size says. */
    default void data(ByteString data) throws IOException, InterruptedException {}
}
