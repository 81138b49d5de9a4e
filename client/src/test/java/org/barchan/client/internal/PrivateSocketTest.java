package org.barchan.client.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateSocketTest {
    @TempDir
    Path directory;

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void bind_makesASocketOfItsOwner_andNothingElse() throws Exception {
        Path path = directory.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            PrivateSocket.bind(server, path);
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
            assertEquals(List.of(path), files());
            try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
                    SocketChannel accepted = server.accept()) {
                assertTrue(client.isConnected());
                assertTrue(accepted.isConnected());
            }
        }
    }

    @Test
    void bind_whereSomethingIs_leavesItAlone() throws Exception {
        Path path = Files.writeString(directory.resolve("socket"), "mine");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            IOException e = assertThrows(FileAlreadyExistsException.class, () -> PrivateSocket.bind(server, path));
            assertEquals(path + " is there already", e.getMessage());
        }
        assertEquals("mine", Files.readString(path));
        assertEquals(List.of(path), files());
    }

    @Test
    void bind_whereNoDirectoryIs_fails() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            IOException e = assertThrows(
                    IOException.class,
                    () -> PrivateSocket.bind(
                            server, directory.resolve("nothing").resolve("socket")));
            assertEquals("there is no directory " + directory.resolve("nothing"), e.getMessage());
        }
        assertFalse(Files.exists(directory.resolve("nothing")));
    }
}
