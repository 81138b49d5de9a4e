package org.barchan.host.port;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;

/** Puts together what sandboxes see of the host's file systems, where no process of the host sees it. Safe for use by many threads. */
public interface Views {
    /**
     * Opens the sources, each once and without following a link, and covers what is masked.
     *
     * @throws SandboxException {@code PRECONDITION} when a source does not do, or the host can't: what, why, what to do
     */
    View open(Request request) throws SandboxException;

    /**
     * What is to be seen.
     *
     * @param client whose rights decide what may be opened
     * @param emulator who is to see it
     */
    record Request(HostUser client, HostUser emulator, List<Source> sources) {
        public Request {
            sources = List.copyOf(sources);
        }
    }

    /**
     * A directory or file of the host.
     *
     * @param tag names it, without blanks
     * @param action what is done with it, for messages
     * @param user whose rights decide what can be read and written
     * @param server the virtiofsd that serves it, for who does not open it as a directory
     */
    record Source(
            String tag,
            String action,
            GuestPath path,
            boolean writable,
            User user,
            Optional<FileServer> server,
            List<Mask> masks) {
        public Source {
            masks = List.copyOf(masks);
        }
    }

    enum User {
        CLIENT,
        EMULATOR,
        /** The client, whose right to read this file the emulator gets; to write, it needs its own. */
        LENT
    }

    /**
     * A virtiofsd.
     *
     * @param options for its -o, without blanks
     */
    record FileServer(Path program, String options) {}

    /** What of a source is not to be seen. Paths are absolute, with the source as root; what is not there needs no mask. */
    sealed interface Mask {
        /** A directory or file that is to look empty. */
        record Hidden(Path path) implements Mask {}

        /** A directory, named without blanks, of which one path below it alone is to be seen. */
        record Only(Path directory, Path kept) implements Mask {}
    }

    /** What is to be seen. A process that has opened a share sees it for good, masked; it can be opened until this is closed. */
    interface View extends AutoCloseable {
        /** Returns where a share is, for the emulator's user: a directory, which has the file where the source is one. */
        Path path(String tag);

        /** Returns the socket of a share's server, for the emulator's user: it takes one connection, and ends with that. */
        Path socket(String tag);

        /** Returns the name of the source in its share, where the source is a file; else "". */
        String file(String tag);

        @Override
        void close();
    }
}
