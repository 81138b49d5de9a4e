package org.barchan.host.adapter.libvirt;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What libvirt has saved of a machine: a header of its own and QEMU's stream, which alone is of use here, since the header names the one
 * machine that libvirt would restore. Behind both, as a seal: where the stream begins, its length and its checksum.
 */
record SavedMachine(Path file, long offset, long length, long checksum) {
    private static final Logger LOG = LoggerFactory.getLogger(SavedMachine.class);
    private static final byte[] LIBVIRT = "LibvirtQemudSave".getBytes(StandardCharsets.US_ASCII);
    /** The magic, and 19 numbers of 32 bits, of which the second is the length of what is between header and stream. */
    private static final int HEADER_BYTES = 16 + 19 * 4;

    private static final int DATA_LENGTH_AT = 20;
    private static final byte[] STREAM = {'Q', 'E', 'V', 'M'};
    private static final long SEAL = 0x4261726368616e31L;
    private static final int SEAL_BYTES = 32;
    private static final int PIECE = 1 << 20;

    /** Seals what libvirt has just saved, and makes it small where that can be done. */
    static void seal(Path file) throws IOException {
        long offset = offset(file);
        Path small = file.resolveSibling(file.getFileName() + ".small");
        try {
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), PIECE));
                    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(
                            Channels.newOutputStream(Files.newByteChannel(
                                    small,
                                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                                    PosixFilePermissions.asFileAttribute(
                                            PosixFilePermissions.fromString("rw-------")))),
                            PIECE))) {
                in.skipNBytes(offset);
                new RamFilter(in, out).copy();
            }
            seal(small, 0);
            Files.move(small, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("{} stays large: {}", file, e.toString());
            seal(file, offset);
        } finally {
            Files.deleteIfExists(small);
        }
    }

    /** Returns where the stream begins. */
    private static long offset(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer header = read(channel, 0, HEADER_BYTES).order(ByteOrder.nativeOrder());
            byte[] magic = new byte[LIBVIRT.length];
            header.get(0, magic);
            long offset = HEADER_BYTES + Integer.toUnsignedLong(header.getInt(DATA_LENGTH_AT));
            byte[] stream = new byte[STREAM.length];
            read(channel, offset, STREAM.length).get(stream);
            if (!Arrays.equals(magic, LIBVIRT) || !Arrays.equals(stream, STREAM)) {
                throw new IOException("it is not as libvirt saves machines otherwise");
            }
            return offset;
        }
    }

    private static void seal(Path file, long offset) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long length = channel.size() - offset;
            long checksum = new SavedMachine(file, offset, length, 0).forEachPiece(channel, piece -> {});
            ByteBuffer seal = ByteBuffer.allocate(SEAL_BYTES)
                    .putLong(offset)
                    .putLong(length)
                    .putLong(checksum)
                    .putLong(SEAL)
                    .flip();
            channel.position(channel.size());
            while (seal.hasRemaining()) {
                channel.write(seal);
            }
            channel.force(true);
        }
    }

    /**
     * Reads the seal.
     *
     * @throws IOException also when it is not there, or is not that of a file of this size
     */
    static SavedMachine open(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long at = channel.size() - SEAL_BYTES;
            ByteBuffer seal = read(channel, Math.max(0, at), SEAL_BYTES);
            SavedMachine saved = new SavedMachine(file, seal.getLong(), seal.getLong(), seal.getLong());
            if (seal.getLong() != SEAL || saved.offset < 0 || saved.length < 0 || saved.offset + saved.length != at) {
                throw new IOException("it is damaged: its seal is not that of a file of this size");
            }
            return saved;
        }
    }

    /**
     * Sends the stream, and returns when the machine has taken it over.
     *
     * @param within how long that may take
     * @throws IOException also when it was not what was sealed: the machine that took it must not run
     */
    void sendTo(Path socket, Duration within) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            peer.connect(UnixDomainSocketAddress.of(socket));
            long sent = send(channel, peer, within);
            if (sent != checksum) {
                throw new IOException("it is damaged: its checksum is another");
            }
        }
    }

    /** Returns the checksum of what was sent. */
    private long send(FileChannel channel, SocketChannel peer, Duration within) throws IOException {
        CompletableFuture<Void> sent = new CompletableFuture<>();
        // Whoever does not read, or does not close, has it closed.
        var _ = sent.orTimeout(within.toMillis(), TimeUnit.MILLISECONDS).whenComplete((done, late) -> {
            if (late != null) {
                close(peer);
            }
        });
        try {
            long sum = forEachPiece(channel, piece -> {
                while (piece.hasRemaining()) {
                    peer.write(piece);
                }
            });
            peer.shutdownOutput();
            // It says nothing, and closes when it is done, well or not.
            while (peer.read(ByteBuffer.allocate(1)) >= 0) {}
            return sum;
        } catch (ClosedChannelException e) {
            throw new IOException("the machine did not take it within " + within.toSeconds() + " s", e);
        } finally {
            sent.complete(null);
        }
    }

    private static void close(SocketChannel peer) {
        try {
            peer.close();
        } catch (IOException e) {
            // Then nobody has it.
        }
    }

    private interface Taker {
        void take(ByteBuffer piece) throws IOException;
    }

    /** Returns the checksum of the stream. */
    private long forEachPiece(FileChannel channel, Taker taker) throws IOException {
        CRC32C sum = new CRC32C();
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        for (long done = 0; done < length; ) {
            piece.clear().limit((int) Math.min(PIECE, length - done));
            fill(channel, offset + done, piece);
            sum.update(piece.duplicate());
            done += piece.remaining();
            taker.take(piece);
        }
        return sum.getValue();
    }

    private static ByteBuffer read(FileChannel channel, long at, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        fill(channel, at, buffer);
        return buffer;
    }

    private static void fill(FileChannel channel, long at, ByteBuffer buffer) throws IOException {
        for (long position = at; buffer.hasRemaining(); ) {
            int n = channel.read(buffer, position);
            if (n < 0) {
                throw new IOException("it is damaged: it ends too early");
            }
            position += n;
        }
        buffer.flip();
    }
}
