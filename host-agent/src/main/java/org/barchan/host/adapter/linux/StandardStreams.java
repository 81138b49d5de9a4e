package org.barchan.host.adapter.linux;

import com.sun.jna.LastErrorException;
import java.io.IOException;
import java.nio.file.Path;

/** The agent's own standard streams, of which native libraries write to too. */
public final class StandardStreams {
    private static final int O_WRONLY = 1;
    private static final int O_CREAT = 0x40;
    private static final int O_TRUNC = 0x200;

    private StandardStreams() {}

    /** Leaves the session of the terminal or client that started the agent, if it is not its leader. */
    public static void leaveSession() {
        LibC.INSTANCE.setsid();
    }

    /** Lets go of standard output: who waits for it to end sees its end. */
    public static void dropOutput() throws IOException {
        point(1, Path.of("/dev/null"));
    }

    /** Sends standard error to a file, which is emptied first. */
    public static void sendErrors(Path file) throws IOException {
        point(2, file);
    }

    private static void point(int descriptor, Path file) throws IOException {
        try {
            int opened = LibC.INSTANCE.open(file.toString(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            LibC.INSTANCE.dup2(opened, descriptor);
            LibC.INSTANCE.close(opened);
        } catch (LastErrorException e) {
            throw new IOException(
                    "pointing descriptor " + descriptor + " to " + file + ": errno " + e.getErrorCode(), e);
        }
    }
}
