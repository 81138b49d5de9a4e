package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class SavedMachineTest {
    private static final int DATA = 1000;
    private static final int STREAM = 3_000_000;

    @TempDir
    private Path directory;

    private Duration within = Duration.ofSeconds(30);
    private boolean deaf;
    private boolean removed;
    private Path file;
    private byte[] stream;

    @BeforeEach
    void save() throws IOException {
        file = directory.resolve("saved");
        stream = new byte[STREAM];
        new Random(1).nextBytes(stream);
        System.arraycopy("QEVM".getBytes(StandardCharsets.US_ASCII), 0, stream, 0, 4);
        Files.write(file, libvirtFile("LibvirtQemudSave", DATA));
    }

    private byte[] libvirtFile(String magic, int data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ByteBuffer header = ByteBuffer.allocate(92).order(ByteOrder.nativeOrder());
        header.put(magic.getBytes(StandardCharsets.US_ASCII)).putInt(2).putInt(data);
        bytes.write(header.array());
        bytes.write(new byte[DATA]);
        bytes.write(stream);
        return bytes.toByteArray();
    }

    @Test
    void seal_whatLibvirtHasNotSaved_isRefused() throws IOException {
        Files.write(file, libvirtFile("LibvirtQemudPart", DATA));
        assertThrows(IOException.class, () -> SavedMachine.seal(file));
        Files.write(file, libvirtFile("LibvirtQemudSave", DATA + 1));
        assertThrows(IOException.class, () -> SavedMachine.seal(file));
        Files.write(file, new byte[10]);
        assertThrows(IOException.class, () -> SavedMachine.seal(file));
    }

    @Test
    void send_whatWasSealed_isTheStreamAlone() throws Exception {
        SavedMachine.seal(file);
        assertArrayEquals(stream, sent());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 50, 99})
    void open_whatWasTruncated_isRefused(int percent) throws Exception {
        SavedMachine.seal(file);
        byte[] all = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(all, (int) ((long) all.length * percent / 100)));
        IOException e = assertThrows(IOException.class, () -> SavedMachine.open(file));
        assertTrue(String.valueOf(e.getMessage()).contains("damaged"), e::toString);
    }

    @Test
    void send_withABitThatIsAnother_fails() throws Exception {
        SavedMachine.seal(file);
        byte[] all = Files.readAllBytes(file);
        all[all.length / 2] ^= 4;
        Files.write(file, all);
        IOException e = assertThrows(IOException.class, this::sent);
        assertEquals("it is damaged: its checksum is another", e.getMessage());
    }

    @Test
    void send_toWhomDoesNotRead_endsInTime() throws Exception {
        SavedMachine.seal(file);
        deaf = true;
        within = Duration.ofMillis(100);
        IOException e = assertThrows(IOException.class, this::sent);
        assertTrue(String.valueOf(e.getMessage()).contains("did not take it"), e::toString);
    }

    @Test
    void send_ofAFileThatIsRemovedMeanwhile_isWhole() throws Exception {
        SavedMachine.seal(file);
        removed = true;
        assertArrayEquals(stream, sent());
    }

    /** Returns what a machine gets. */
    private byte[] sent() throws Exception {
        Path socket = directory.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            CompletableFuture<byte[]> received = new CompletableFuture<>();
            Thread.ofPlatform().daemon().start(() -> {
                try (SocketChannel peer = server.accept()) {
                    if (deaf) {
                        received.join();
                    }
                    if (removed) {
                        Files.delete(file);
                    }
                    received.complete(Channels.newInputStream(peer).readAllBytes());
                } catch (IOException e) {
                    received.completeExceptionally(e);
                }
            });
            SavedMachine.open(file).sendTo(socket, within);
            return received.get();
        } finally {
            Files.deleteIfExists(socket);
        }
    }
}
