package org.barchan.client.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;
import org.jspecify.annotations.Nullable;

/**
 * Whether who listens on a socket can be none but an agent of the caller or of root. Another user's program there would be given all
 * that a caller has to say, and could answer anything.
 */
final class SocketTrust {
    private static final int ROOT = 0;
    private static final int WRITABLE_BY_OTHERS = 0002;
    private static final int WRITABLE_BY_GROUP_OR_OTHERS = 0022;
    private static final int STICKY = 01000;

    private SocketTrust() {}

    /**
     * Returns whether there is a socket, whose owner and directories are checked.
     *
     * @throws BarchanException {@code DENIED} naming what can't be trusted, and the remedy
     */
    static boolean find(Path socket) throws BarchanException {
        if (!Files.exists(socket)) {
            return false;
        }
        try {
            Path real = socket.toRealPath();
            requireDirectory(socket.toAbsolutePath().getParent());
            requireDirectory(real.getParent());
            int mode = requireOwner(real);
            if ((mode & WRITABLE_BY_OTHERS) != 0) {
                throw denied(real, "can be written by every user", "chmod o-w " + real);
            }
            return true;
        } catch (NoSuchFileException e) {
            // Its agent has left just now.
            return false;
        } catch (IOException e) {
            throw new BarchanException(
                    Code.UNAVAILABLE, "looking at the agent's socket " + socket + ": " + e + "; try again", e);
        }
    }

    /** In a directory that others can write, they could put a socket of their own in place of the agent's. */
    private static void requireDirectory(@Nullable Path directory) throws IOException, BarchanException {
        if (directory == null) {
            return;
        }
        int mode = requireOwner(directory);
        if ((mode & WRITABLE_BY_GROUP_OR_OTHERS) != 0 && (mode & STICKY) == 0) {
            throw denied(directory, "can be written by other users", "chmod go-w " + directory);
        }
    }

    /** Returns the mode. */
    private static int requireOwner(Path path) throws IOException, BarchanException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,mode");
        Object owner = attributes.get("uid");
        Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (!Integer.valueOf(ROOT).equals(owner) && !self.equals(owner)) {
            throw denied(
                    path,
                    "belongs to user " + owner + ", neither to you (" + self + ") nor to root",
                    "remove it, or set BARCHAN_RUNTIME_DIR to a directory of your own");
        }
        return (Integer) attributes.getOrDefault("mode", 0);
    }

    private static BarchanException denied(Path path, String why, String remedy) {
        return new BarchanException(
                Code.DENIED,
                "not connecting to an agent: " + path + " " + why + ", so that another user could pose as the agent; "
                        + remedy);
    }
}
