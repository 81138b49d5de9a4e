package org.barchan.client.internal;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Set;

/** Makes unix sockets that nobody but their owner can connect to, not even for a moment, whatever the umask is. */
final class PrivateSocket {
    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> SOCKET = PosixFilePermissions.fromString("rw-------");

    private PrivateSocket() {}

    /**
     * Makes it in a directory of its own beside its place, and gives it its name once it is private. A file that is there is left alone.
     *
     * @throws FileAlreadyExistsException when there is something by that name
     */
    static void bind(ServerSocketChannel server, Path path) throws IOException {
        Path whole = path.toAbsolutePath();
        Path directory = makeDirectory(whole.resolveSibling(".").normalize());
        Path socket = directory.resolve("s");
        try {
            var _ = server.bind(UnixDomainSocketAddress.of(socket));
            Files.setPosixFilePermissions(socket, SOCKET);
            Files.createLink(whole, socket);
        } catch (FileAlreadyExistsException e) {
            throw new FileAlreadyExistsException(whole + " is there already");
        } finally {
            Files.deleteIfExists(socket);
            Files.delete(directory);
        }
    }

    /** Its name is short: the path of a socket has 108 bytes at most. */
    private static Path makeDirectory(Path parent) throws IOException {
        while (true) {
            Path directory = parent.resolve(".b" + Integer.toUnsignedString(new SecureRandom().nextInt(), 36));
            try {
                return Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
            } catch (FileAlreadyExistsException e) {
                // Of another one: the next name is another.
            } catch (NoSuchFileException e) {
                throw new IOException("there is no directory " + parent, e);
            } catch (AccessDeniedException e) {
                throw new IOException("no permission to write to " + parent, e);
            }
        }
    }
}
