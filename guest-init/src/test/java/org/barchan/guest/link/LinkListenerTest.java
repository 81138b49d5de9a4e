package org.barchan.guest.link;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.barchan.guest.link.LinkListener.Connection;
import org.barchan.link.Checksum;
import org.barchan.link.Frame;
import org.barchan.link.FrameDecoder;
import org.barchan.link.FrameEncoder;
import org.barchan.link.FrameType;
import org.barchan.link.OutputHeader;
import org.barchan.link.Padding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class LinkListenerTest {
    private final FakePort port = new FakePort();
    private final LinkListener listener = new LinkListener(port, Checksum.XXH64);

    /** Hands out scripted pieces, each by one read or more; an empty piece is a host that has hung up. */
    private static final class FakePort implements HostPort {
        final Deque<ByteBuffer> pieces = new ArrayDeque<>();
        final ByteArrayOutputStream written = new ByteArrayOutputStream();
        int hangUps;
        int failures;

        FakePort feed(byte[]... more) {
            Stream.of(more).map(ByteBuffer::wrap).forEach(pieces::add);
            return this;
        }

        @Override
        public int read(byte[] buffer, int offset, int size) throws IOException {
            ByteBuffer piece = pieces.peek();
            if (piece == null) {
                throw new IOException("the script is over");
            }
            int n = Math.min(size, piece.remaining());
            piece.get(buffer, offset, n);
            if (!piece.hasRemaining()) {
                pieces.remove();
            }
            return n;
        }

        @Override
        public void write(byte[] buffer, int offset, int size) throws IOException {
            if (failures > 0) {
                failures--;
                throw new IOException("the host has hung up");
            }
            written.write(buffer, offset, size);
        }

        @Override
        public void awaitHost() {
            hangUps++;
        }

        List<String> frames() {
            ByteBuffer bytes = ByteBuffer.wrap(written.toByteArray());
            FrameDecoder decoder = new FrameDecoder();
            return Stream.iterate(decoder.decode(bytes), f -> f != null, f -> decoder.decode(bytes))
                    .map(LinkListenerTest::show)
                    .toList();
        }
    }

    private static String show(Frame frame) {
        return frame.type() + " " + frame.epoch() + " " + frame.sequence() + " "
                + StandardCharsets.UTF_8.decode(frame.payload());
    }

    private static byte[] frame(FrameType type, long epoch, int sequence, String payload) {
        ByteBuffer bytes = ByteBuffer.wrap(payload.getBytes(StandardCharsets.UTF_8));
        ByteBuffer out = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE + bytes.remaining());
        FrameEncoder.encode(type, epoch, sequence, bytes, out);
        return out.array();
    }

    private static byte[] syn(long epoch) {
        return frame(FrameType.SYN, epoch, 0, "");
    }

    private static byte[] cut(byte[] bytes, int size) {
        return Arrays.copyOf(bytes, size);
    }

    /** Returns a connection in the epoch 7, whose first byte was read. */
    private Connection begun() throws Exception {
        port.feed(syn(7), frame(FrameType.DATA, 7, 1, "!"));
        Connection connection = listener.accept();
        assertEquals('!', connection.input().read());
        return connection;
    }

    private static String readAll(Connection connection) throws IOException {
        return new String(connection.input().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void writeOutput_betweenOtherData_isAFrameOfItsOwn() throws Exception {
        Connection connection = begun();

        connection.output().write("gathered".getBytes(StandardCharsets.UTF_8));
        byte[] bytes = "..text..".getBytes(StandardCharsets.UTF_8);
        connection.writeOutput(new OutputHeader(3, 2, 1L << 40), bytes, 2, 4);
        connection.output().flush();

        ByteBuffer written = ByteBuffer.wrap(port.written.toByteArray());
        FrameDecoder decoder = new FrameDecoder();
        assertEquals("SYN_ACK 7 0 ", show(requireNonNull(decoder.decode(written))));
        Frame output = requireNonNull(decoder.decode(written));
        assertEquals(FrameType.OUTPUT, output.type());
        assertEquals(1, output.sequence());
        assertEquals(new OutputHeader(3, 2, 1L << 40), OutputHeader.read(output.payload()));
        assertEquals("text", StandardCharsets.UTF_8.decode(output.payload()).toString());
        assertEquals("DATA 7 2 gathered", show(requireNonNull(decoder.decode(written))));
    }

    @Test
    void writeOutput_asMuchAsFits_twice() throws Exception {
        Connection connection = begun();

        for (int i = 1; i <= 2; i++) {
            connection.writeOutput(
                    new OutputHeader(1, 1, 0), new byte[OutputHeader.MAX_DATA], 0, OutputHeader.MAX_DATA);
        }

        assertEquals(3, port.frames().size());
    }

    @Test
    void accept_aSynThatComesBeforeItsHost_isAnsweredOnceThatIsThere() throws Exception {
        port.failures = 2;
        port.feed(syn(7), frame(FrameType.DATA, 7, 1, "text"), frame(FrameType.FIN, 7, 2, ""));

        assertEquals("text", readAll(listener.accept()));
        assertEquals(2, port.hangUps);
        assertEquals(List.of("SYN_ACK 7 0 "), port.frames());
    }

    @Test
    void accept_behindGarbageAndAStaleHalfFrame_findsTheSyn() throws Exception {
        port.feed(
                "garbage".getBytes(StandardCharsets.UTF_8),
                cut(frame(FrameType.DATA, 5, 9, "stale stale stale"), 30),
                new byte[Padding.SIZE],
                syn(7),
                frame(FrameType.DATA, 7, 1, "fresh"),
                frame(FrameType.FIN, 7, 2, ""));

        Connection connection = listener.accept();

        assertEquals("fresh", readAll(connection));
        assertEquals(List.of("SYN_ACK 7 0 "), port.frames());
    }

    @Test
    void read_ofAnotherEpochsFrame_dropsIt() throws Exception {
        port.feed(
                syn(7),
                frame(FrameType.DATA, 6, 1, "old"),
                frame(FrameType.DATA, 7, 1, "new"),
                frame(FrameType.FIN, 7, 2, ""));

        assertEquals("new", readAll(listener.accept()));
    }

    @Test
    void read_overALostFrame_endsTheEpochWithAnError() throws Exception {
        port.feed(syn(7), frame(FrameType.DATA, 7, 2, "second"));
        Connection connection = listener.accept();

        assertThrows(IOException.class, () -> connection.input().read());
    }

    @Test
    void read_overADamagedFrame_endsTheEpochWithAnError() throws Exception {
        byte[] damaged = frame(FrameType.DATA, 7, 1, "some bytes");
        damaged[FrameEncoder.HEADER_SIZE + 2] ^= 1;
        port.feed(syn(7), damaged, frame(FrameType.DATA, 7, 1, "more"), frame(FrameType.DATA, 7, 2, "more"));
        Connection connection = listener.accept();

        assertThrows(IOException.class, () -> connection.input().readAllBytes());
    }

    @Test
    void read_ofASynInTheMiddle_endsTheEpochAndBeginsTheNext() throws Exception {
        port.feed(syn(7), frame(FrameType.DATA, 7, 1, "one"), syn(8), frame(FrameType.DATA, 8, 1, "two"), new byte[0]);
        Connection first = listener.accept();
        assertEquals("one", readAll(first));
        first.close();

        Connection second = listener.accept();

        assertEquals(List.of("SYN_ACK 7 0 "), port.frames());
        assertEquals("two", readAll(second));
        assertEquals("", readAll(first));
        assertEquals(List.of("SYN_ACK 7 0 ", "FIN 7 1 ", "SYN_ACK 8 0 "), port.frames());
        assertEquals(2, listener.epochs());
    }

    @Test
    void read_ofWhatIsLeft_afterClose_isTheEnd() throws Exception {
        port.feed(syn(7), frame(FrameType.DATA, 7, 1, "bytes"));
        Connection connection = listener.accept();
        assertEquals('b', connection.input().read());

        connection.close();

        assertEquals(-1, connection.input().read());
    }

    @Test
    void accept_beforeThereIsAHost_keepsForItWhatIsWritten() throws Exception {
        Connection connection = listener.accept();
        connection.output().write("wel".getBytes(StandardCharsets.UTF_8));
        connection.output().flush();
        connection.output().write("come".getBytes(StandardCharsets.UTF_8));
        connection.output().flush();
        assertEquals(List.of(), port.frames());
        assertEquals(0, listener.epochs());

        port.feed(syn(7), frame(FrameType.FIN, 7, 1, ""));

        assertEquals("", readAll(connection));
        assertEquals(List.of("SYN_ACK 7 0 ", "DATA 7 1 welcome"), port.frames());
        assertEquals(1, listener.epochs());
    }

    @Test
    void write_ofMoreThanAFrameBeforeThereIsAHost_fails() throws Exception {
        Connection connection = listener.accept();

        assertThrows(IOException.class, () -> connection.output().write(new byte[2 * FrameEncoder.MAX_PAYLOAD]));
    }

    @Test
    void close_beforeThereIsAHost_tellsNobody() throws Exception {
        Connection first = begun();
        first.close();
        listener.accept().close();
        port.feed(syn(8), frame(FrameType.FIN, 8, 1, ""));

        assertEquals("", readAll(listener.accept()));
        assertEquals(List.of("SYN_ACK 7 0 ", "FIN 7 1 ", "SYN_ACK 8 0 "), port.frames());
    }

    @Test
    void accept_afterAHangUp_waitsForTheHostInsteadOfSpinning() throws Exception {
        port.feed(cut(syn(6), 11), new byte[0], syn(7), frame(FrameType.FIN, 7, 1, ""));

        assertEquals("", readAll(listener.accept()));
        assertEquals(1, port.hangUps);
    }

    @Test
    void write_afterClose_fails() throws Exception {
        Connection connection = begun();
        connection.output().write("x".getBytes(StandardCharsets.UTF_8));
        connection.close();

        assertThrows(IOException.class, () -> connection.output().flush());
        assertThrows(IOException.class, () -> connection.writeOutput(new OutputHeader(1, 1, 0), new byte[] {1}, 0, 1));
        port.feed(syn(8), frame(FrameType.FIN, 8, 1, ""));
        assertEquals("", readAll(listener.accept()));
        // No number is left out for what was not written.
        assertEquals(List.of("SYN_ACK 7 0 ", "FIN 7 1 ", "SYN_ACK 8 0 "), port.frames());
    }

    @Test
    void write_ofMoreThanAFrame_isCutIntoFramesInSequence() throws Exception {
        Connection connection = begun();
        byte[] large = new byte[FrameEncoder.MAX_PAYLOAD + 3];

        connection.output().write(large);
        connection.output().flush();

        List<String> heads = port.frames().stream().map(f -> f.substring(0, 8)).toList();
        assertEquals(List.of("SYN_ACK ", "DATA 7 1", "DATA 7 2"), heads);
    }

    @Test
    void ping_isAnsweredWithItsPayload() throws Exception {
        port.feed(syn(7), frame(FrameType.PING, 7, 1, "are you there"), frame(FrameType.FIN, 7, 2, ""));

        readAll(listener.accept());

        assertEquals(List.of("SYN_ACK 7 0 ", "PONG 7 1 are you there"), port.frames());
    }
}
