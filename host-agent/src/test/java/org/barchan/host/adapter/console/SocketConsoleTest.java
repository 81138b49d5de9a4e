package org.barchan.host.adapter.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.barchan.host.port.Console;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
final class SocketConsoleTest {
    private final Path socket;
    private final ServerSocketChannel server;

    SocketConsoleTest(@TempDir Path directory) throws IOException {
        socket = directory.resolve("console.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    @Test
    void open_nobodyListens_saysWhere() {
        Path nothing = socket.resolveSibling("nothing.sock");

        SandboxException e =
                assertThrows(SandboxException.class, () -> new SocketConsoles().open(SandboxId.random(), nothing));

        assertEquals(SandboxException.Code.LOST, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("nothing.sock"));
    }

    @Test
    void tail_hostileText_isEscaped() throws Exception {
        assertEquals("\\x1b[2Jgone\\x07\nlast", written("first\r\n\u001b[2Jgone\u0007\r\nlast\r\n", 2));
    }

    @Test
    void tail_nothing_isEmpty() throws Exception {
        assertEquals("", written("", 5));
    }

    @Test
    void tail_moreThanIsKept_hasTheEnd() throws Exception {
        String tail = written("x".repeat(200_000) + "\nend", 2);

        assertTrue(tail.endsWith("\nend"));
        assertEquals(SocketConsole.KEPT_BYTES, tail.length());
    }

    @Test
    void panicked_textSplitOverReads_isSeen() throws Exception {
        try (Console console = new SocketConsoles().open(SandboxId.random(), socket);
                SocketChannel guest = server.accept()) {
            write(guest, "[    1.0] Kernel panic - not sy");
            write(guest, "ncing: Attempted to kill init!");
            guest.shutdownOutput();
            console.drain(Duration.ofSeconds(10));

            assertTrue(console.panicked());
        }
    }

    @Test
    void panicked_ordinaryText_isNot() throws Exception {
        try (Console console = new SocketConsoles().open(SandboxId.random(), socket);
                SocketChannel guest = server.accept()) {
            write(guest, "Kernel panic button");
            guest.shutdownOutput();
            console.drain(Duration.ofSeconds(10));

            assertFalse(console.panicked());
        }
    }

    @Test
    void follow_late_getsAllThatIsKept() throws Exception {
        // Called by one thread at a time, the last time before drain() returns.
        List<ByteString> got = new ArrayList<>();
        try (Console console = new SocketConsoles().open(SandboxId.random(), socket);
                SocketChannel guest = server.accept()) {
            write(guest, "one ");
            console.follow(got::add);
            write(guest, "two");
            guest.shutdownOutput();
            console.drain(Duration.ofSeconds(10));

            assertEquals("one two", ByteString.copyFrom(got).toStringUtf8());
        }
    }

    private String written(String text, int lines) throws Exception {
        try (Console console = new SocketConsoles().open(SandboxId.random(), socket);
                SocketChannel guest = server.accept()) {
            write(guest, text);
            guest.shutdownOutput();
            console.drain(Duration.ofSeconds(10));
            return console.tail(lines);
        }
    }

    private static void write(SocketChannel guest, String text) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
        while (bytes.hasRemaining()) {
            guest.write(bytes);
        }
    }
}
