package org.barchan.host.adapter.libvirt;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What libvirt has saved of a machine: a header of its own and QEMU's stream, which alone is of use here, since the header names the one
 * machine that libvirt would restore. The file that is made of it has the pages of the machine's memory, in the order of the runs behind
 * them; what is left of the stream; and a seal.
 *
 * @param runs how many runs there are: none if the stream has the memory
 * @param stream where the stream begins
 * @param length of the stream
 * @param memoryAt after how many bytes of the stream QEMU may be told of the memory
 * @param memorySum checksum of the pages and their runs
 * @param streamSum checksum of the stream
 */
record SavedMachine(Path file, int runs, long stream, long length, int memoryAt, long memorySum, long streamSum) {
    private static final Logger LOG = LoggerFactory.getLogger(SavedMachine.class);
    private static final byte[] LIBVIRT = "LibvirtQemudSave".getBytes(StandardCharsets.US_ASCII);
    /** The magic, and 19 numbers of 32 bits, of which the second is the length of what is between header and stream. */
    private static final int HEADER_BYTES = 16 + 19 * 4;

    private static final int DATA_LENGTH_AT = 20;
    private static final byte[] STREAM = {'Q', 'E', 'V', 'M'};
    private static final long SEAL = 0x4261726368616e32L;
    private static final int SEAL_BYTES = 48;
    private static final int RUN_BYTES = 16;
    private static final int PIECE = 1 << 20;
    /** What files were when this agent had read their pages and found them to be what was sealed: to do so takes a twentieth of a start. */
    private static final Map<Path, Map<String, Object>> WHOLE = new ConcurrentHashMap<>();

    /**
     * Pages that follow each other in the machine's memory.
     *
     * @param address of the first, in bytes
     * @param length of all, in bytes
     */
    private record Run(long address, long length) {}

    /** Seals what libvirt has just saved, its memory taken out of the stream where that can be done. */
    static void seal(Path file) throws IOException {
        long offset = offset(file);
        Path taken = file.resolveSibling(file.getFileName() + ".taken");
        try {
            takeApart(file, offset, taken);
            Files.move(taken, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("{} keeps its memory in QEMU's stream, which takes longer: {}", file, e.toString());
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                seal(channel, new SavedMachine(file, 0, offset, channel.size() - offset, 0, 0, 0));
            }
        } finally {
            Files.deleteIfExists(taken);
        }
    }

    private static void takeApart(Path file, long offset, Path taken) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), PIECE));
                FileChannel channel = FileChannel.open(
                        taken,
                        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            in.skipNBytes(offset);
            List<Run> runs = new ArrayList<>();
            ByteArrayOutputStream rest = new ByteArrayOutputStream();
            DataOutputStream out =
                    new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), PIECE));
            int memoryAt = new RamFilter(in, new DataOutputStream(rest), (address, page) -> {
                        out.write(page);
                        append(runs, address);
                    })
                    .copy();
            for (Run run : runs) {
                out.writeLong(run.address());
                out.writeLong(run.length());
            }
            out.flush();
            long stream = channel.position();
            rest.writeTo(out);
            out.flush();
            seal(channel, new SavedMachine(taken, runs.size(), stream, rest.size(), memoryAt, 0, 0));
        }
    }

    private static void append(List<Run> runs, long address) {
        Run last = runs.isEmpty() ? new Run(-1, 0) : runs.getLast();
        if (last.address() + last.length() == address) {
            runs.set(runs.size() - 1, new Run(last.address(), last.length() + RamFilter.PAGE_SIZE));
        } else {
            runs.add(new Run(address, RamFilter.PAGE_SIZE));
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

    private static void seal(FileChannel channel, SavedMachine saved) throws IOException {
        long end = saved.stream + saved.length;
        ByteBuffer seal = ByteBuffer.allocate(SEAL_BYTES)
                .putInt(saved.runs)
                .putLong(saved.stream)
                .putLong(saved.length)
                .putInt(saved.memoryAt)
                .putLong(saved.runs == 0 ? 0 : sum(channel, 0, saved.stream))
                .putLong(sum(channel, saved.stream, end))
                .putLong(SEAL)
                .flip();
        channel.position(end);
        while (seal.hasRemaining()) {
            channel.write(seal);
        }
        channel.force(true);
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
            SavedMachine saved = new SavedMachine(
                    file, seal.getInt(), seal.getLong(), seal.getLong(), seal.getInt(), seal.getLong(), seal.getLong());
            if (seal.getLong() != SEAL || !saved.fits(at)) {
                throw new IOException("it is damaged: its seal is not that of a file of this size");
            }
            return saved;
        }
    }

    private boolean fits(long size) {
        return runs >= 0
                && stream >= (long) runs * RUN_BYTES
                && length >= 0
                && memoryAt >= 0
                && memoryAt <= length
                && stream + length == size;
    }

    private static long sum(FileChannel channel, long from, long to) throws IOException {
        CRC32C sum = new CRC32C();
        forEachPiece(channel, from, to, sum, piece -> {});
        return sum.getValue();
    }

    private static void requireWhole(long sum, long expected) throws IOException {
        if (sum != expected) {
            throw new IOException("it is damaged: its checksum is another");
        }
    }

    /** Whether {@link #fill} has anything to do: else QEMU's stream has the memory. */
    boolean hasMemory() {
        return runs > 0;
    }

    /** Opens the memory of a new machine, of which nothing was written yet; empty where it can't be reached. */
    interface MemorySource {
        Optional<FileChannel> open() throws IOException, InterruptedException;
    }

    /**
     * Fills the memory of a new machine.
     *
     * @param source is asked once it is known that this is what was sealed
     * @return false if it can't be reached
     * @throws IOException also when this was not what was sealed: the machine must not run
     */
    boolean fill(MemorySource source) throws IOException, InterruptedException {
        // Whoever writes to a file makes it another.
        Map<String, Object> version = Files.readAttributes(file, "unix:dev,ino,size,ctime");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (!version.equals(WHOLE.get(file))) {
                requireWhole(sum(channel, 0, stream), memorySum);
                WHOLE.put(file, version);
            }
            Optional<FileChannel> reached = source.open();
            if (reached.isEmpty()) {
                return false;
            }
            try (FileChannel memory = reached.get()) {
                long at = 0;
                for (Run run : runs(channel)) {
                    copy(channel, at, run, memory);
                    at += run.length();
                }
            }
            return true;
        }
    }

    private static void copy(FileChannel channel, long at, Run run, FileChannel memory) throws IOException {
        if (run.address() < 0 || run.length() <= 0 || run.address() > memory.size() - run.length()) {
            throw new IOException("it is damaged, or of a machine with other memory");
        }
        memory.position(run.address());
        for (long done = 0; done < run.length(); ) {
            // The kernel copies from file to file.
            long copied = channel.transferTo(at + done, run.length() - done, memory);
            if (copied <= 0) {
                throw new IOException("it is damaged: it ends too early");
            }
            done += copied;
        }
    }

    /**
     * Has a machine go on from this, and returns when it has taken it over.
     *
     * @param socket where it waits
     * @param filled whether its memory has been filled: else QEMU does that
     * @param within how long it may take to do so
     * @throws IOException also when it was not what was sealed: the machine that took it must not run
     */
    void sendTo(Path socket, boolean filled, Duration within) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            boolean sendsMemory = hasMemory() && !filled;
            if (sendsMemory) {
                requireWhole(sum(channel, 0, stream), memorySum);
            }
            peer.connect(UnixDomainSocketAddress.of(socket));
            CRC32C sum = new CRC32C();
            handOver(peer, within, () -> {
                send(channel, stream, stream + memoryAt, sum, peer);
                if (sendsMemory) {
                    sendMemory(channel, Channels.newOutputStream(peer));
                }
                send(channel, stream + memoryAt, stream + length, sum, peer);
            });
            requireWhole(sum.getValue(), streamSum);
        }
    }

    private List<Run> runs(FileChannel channel) throws IOException {
        ByteBuffer table = read(channel, stream - (long) runs * RUN_BYTES, runs * RUN_BYTES);
        List<Run> all = new ArrayList<>();
        for (int i = 0; i < runs; i++) {
            all.add(new Run(table.getLong(), table.getLong()));
        }
        return all;
    }

    /** As QEMU would have sent it. */
    private void sendMemory(FileChannel channel, OutputStream peer) throws IOException {
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(peer, PIECE));
        byte[] page = new byte[RamFilter.PAGE_SIZE];
        long at = 0;
        for (Run run : runs(channel)) {
            for (long done = 0; done < run.length(); done += page.length) {
                read(channel, at + done, page.length).get(page);
                RamFilter.writePage(run.address() + done, page, out);
            }
            at += run.length();
        }
        out.flush();
    }

    private interface Sender {
        void send() throws IOException;
    }

    private static void handOver(SocketChannel peer, Duration within, Sender sender) throws IOException {
        CompletableFuture<Void> sent = new CompletableFuture<>();
        // Whoever does not read, or does not close, has it closed.
        var _ = sent.orTimeout(within.toMillis(), TimeUnit.MILLISECONDS).whenComplete((done, late) -> {
            if (late != null) {
                close(peer);
            }
        });
        try {
            sender.send();
            peer.shutdownOutput();
            // It says nothing, and closes when it is done, well or not.
            while (peer.read(ByteBuffer.allocate(1)) >= 0) {}
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

    private static void send(FileChannel channel, long from, long to, CRC32C sum, SocketChannel peer)
            throws IOException {
        forEachPiece(channel, from, to, sum, piece -> {
            while (piece.hasRemaining()) {
                peer.write(piece);
            }
        });
    }

    private interface Taker {
        void take(ByteBuffer piece) throws IOException;
    }

    private static void forEachPiece(FileChannel channel, long from, long to, CRC32C sum, Taker taker)
            throws IOException {
        // Given back at once: a hundred machines may be started at a time.
        try (Arena arena = Arena.ofConfined()) {
            ByteBuffer piece = arena.allocate(PIECE).asByteBuffer();
            for (long at = from; at < to; ) {
                piece.clear().limit((int) Math.min(PIECE, to - at));
                fill(channel, at, piece);
                sum.update(piece.duplicate());
                at += piece.remaining();
                taker.take(piece);
            }
        }
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
