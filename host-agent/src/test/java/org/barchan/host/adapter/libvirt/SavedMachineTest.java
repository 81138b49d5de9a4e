package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
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
    private Path memory;

    @BeforeEach
    void save() throws IOException {
        file = directory.resolve("saved");
        memory = directory.resolve("memory");
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

    /** A machine of four pages, of which the second to third and the fourth are not empty. */
    private void saveMachine() throws IOException {
        stream = new QemuStream()
                .begin()
                .section(3)
                .zero(0, "pc.ram")
                .page(0x1000, "", 'a')
                .page(0x2000, "", 'b')
                .page(0, "pc.bios", 'x')
                .page(0x3000, "pc.ram", 'c')
                .end()
                .devices()
                .bytes();
        Files.write(file, libvirtFile("LibvirtQemudSave", DATA));
        SavedMachine.seal(file);
        Files.write(memory, new byte[0x4000]);
    }

    private void fill() throws IOException, InterruptedException {
        assertTrue(SavedMachine.open(file).fill(() -> Optional.of(FileChannel.open(memory, StandardOpenOption.WRITE))));
    }

    @Test
    void fill_putsPagesWhereTheyWere_andTheStreamLacksThem() throws Exception {
        saveMachine();
        fill();
        byte[] filled = Files.readAllBytes(memory);
        assertEquals(0x4000, filled.length);
        assertEquals("0 97 98 99", filled[0xfff] + " " + filled[0x1000] + " " + filled[0x2fff] + " " + filled[0x3fff]);
        byte[] rest = new QemuStream()
                .begin()
                .section(3)
                .page(0, "pc.bios", 'x')
                .end()
                .devices()
                .bytes();
        assertArrayEquals(rest, sent(true));
    }

    @Test
    void send_toAMachineWhoseMemoryCouldNotBeFilled_hasItAll() throws Exception {
        saveMachine();
        Path again = directory.resolve("again");
        byte[] whole = sent();
        stream = whole;
        Files.write(again, libvirtFile("LibvirtQemudSave", DATA));
        SavedMachine.seal(again);
        assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(again));
    }

    @Test
    void fill_withABitThatIsAnotherSinceTheLastTime_fails() throws Exception {
        saveMachine();
        fill();
        byte[] bytes = Files.readAllBytes(file);
        bytes[1] ^= 4;
        Object before = Files.getAttribute(file, "unix:ctime");
        do {
            // A kernel may tell times of files no finer than its tick.
            Files.write(file, bytes);
        } while (Files.getAttribute(file, "unix:ctime").equals(before));
        assertThrows(IOException.class, this::fill);
    }

    @Test
    void fill_withABitThatIsAnother_fails() throws Exception {
        saveMachine();
        byte[] all = Files.readAllBytes(file);
        all[0x1234] ^= 1;
        Files.write(file, all);
        assertEquals(
                "it is damaged: its checksum is another",
                assertThrows(IOException.class, this::fill).getMessage());
        assertThrows(IOException.class, this::sent);
    }

    @Test
    void fill_ofAMachineWithOtherMemory_fails() throws Exception {
        saveMachine();
        Files.write(memory, new byte[0x3000]);
        IOException e = assertThrows(IOException.class, this::fill);
        assertTrue(String.valueOf(e.getMessage()).contains("other memory"), e::toString);
    }

    @Test
    void memoryFill_beginsWhenTheSocketIsThere() throws Exception {
        saveMachine();
        Path socket = directory.resolve("s");
        MemoryFill fill = begin(socket, Optional.of(memory));
        Files.createFile(socket);
        assertTrue(fill.await());
        assertEquals('c', Files.readAllBytes(memory)[0x3fff]);
    }

    @Test
    void memoryFill_ofMemoryThatCannotBeReached_isLeftToQemu() throws Exception {
        saveMachine();
        assertFalse(begin(Files.createFile(directory.resolve("s")), Optional.empty())
                .await());
    }

    @Test
    void memoryFill_ofAMachineThatDidNotStart_ends() throws Exception {
        saveMachine();
        Path gone = Files.createDirectory(directory.resolve("gone"));
        MemoryFill fill = MemoryFill.begin(SavedMachine.open(file), gone, gone.resolve("s"), Optional::empty);
        Files.delete(gone);
        assertFalse(fill.await());
    }

    private MemoryFill begin(Path socket, Optional<Path> reached) throws IOException {
        return MemoryFill.begin(
                SavedMachine.open(file),
                directory,
                socket,
                () -> reached.map(path -> {
                    try {
                        return FileChannel.open(path, StandardOpenOption.WRITE);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }));
    }

    /** Returns what a machine gets. */
    private byte[] sent() throws Exception {
        return sent(false);
    }

    private byte[] sent(boolean filled) throws Exception {
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
            SavedMachine.open(file).sendTo(socket, filled, within);
            return received.get();
        } finally {
            Files.deleteIfExists(socket);
        }
    }
}
