package org.barchan.host.port;

import java.nio.file.Path;
import java.util.List;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;

/** Makes files of the host for what sandboxes write and nobody keeps. Safe for use by many threads. */
public interface ScratchFiles {
    /**
     * Makes files, each with an empty ext4 file system of a size, that take room as they are written to.
     *
     * @param owner who alone may read and write them
     * @throws SandboxException {@code PRECONDITION}, {@code EXHAUSTED}: why, what to do
     */
    Scratch make(List<Long> sizes, HostUser owner) throws SandboxException;

    /**
     * Removes what agents that were killed have left.
     *
     * @throws SandboxException {@code PRECONDITION} when that can't be done
     */
    void removeAbandoned() throws SandboxException;

    /** Files that have names until they are closed: who has opened one by then has it until it is closed there, too. */
    interface Scratch extends AutoCloseable {
        /** No files. */
        Scratch NONE = new Scratch() {
            @Override
            public List<Path> files() {
                return List.of();
            }

            @Override
            public void close() {}
        };

        /** Returns them in the order of the sizes. */
        List<Path> files();

        @Override
        void close();
    }
}
