package org.barchan.link;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class FrameCodecTest {
    private static final long EPOCH = 0x0123456789abcdefL;

    @Test
    void encode_badInput_isRefusedAndWritesNothing() {
        ByteBuffer out = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE + 3);
        ByteBuffer four = ByteBuffer.allocate(4);
        assertThrows(IllegalArgumentException.class, () -> FrameEncoder.encode(FrameType.DATA, EPOCH, 1, four, out));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.encode(FrameType.DATA, 0, 1, ByteBuffer.allocate(0), out));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.encode(FrameType.SYN, EPOCH, 0, ByteBuffer.allocate(1), out));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.encode(
                        FrameType.DATA,
                        EPOCH,
                        1,
                        ByteBuffer.allocate(FrameEncoder.MAX_PAYLOAD + 1),
                        ByteBuffer.allocate(1 << 20)));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.encode(
                        FrameType.FIN,
                        EPOCH,
                        1,
                        ByteBuffer.allocate(0),
                        ByteBuffer.allocate(99).order(ByteOrder.LITTLE_ENDIAN)));
        assertEquals(0, out.position());
        assertEquals(4, four.remaining());
    }

    @Test
    void encode_dataFrame_hasTheLayoutOfTheSpecification() {
        ByteBuffer out = ByteBuffer.allocate(64);
        FrameEncoder.encode(FrameType.DATA, EPOCH, 7, ByteBuffer.wrap("hi".getBytes(UTF_8)), out);
        out.flip();
        assertEquals(34, out.remaining());
        assertEquals(0xFDB4C4A7, out.getInt());
        assertEquals(3, out.get());
        assertEquals(1, out.get());
        assertEquals(0, out.getShort());
        assertEquals(2, out.getInt());
        assertEquals(7, out.getInt());
        assertEquals(EPOCH, out.getLong());
        // Computed with the reference implementation of XXH64: that of "hi", seeded with that of the 24 bytes before.
        assertEquals(0xA1EC5DD6763DD345L, out.getLong());
    }

    @Test
    void seal_payloadInPlace_givesTheSameAsEncode() {
        byte[] encoded = frame(FrameType.DATA, EPOCH, 7, "hi");
        ByteBuffer frame = ByteBuffer.allocate(40).position(3);
        frame.put(3 + FrameEncoder.HEADER_SIZE, "hi".getBytes(UTF_8));
        FrameEncoder.seal(FrameType.DATA, EPOCH, 7, frame, 2, Checksum.XXH64);
        assertEquals(3 + encoded.length, frame.position());
        assertEquals(ByteBuffer.wrap(encoded), frame.slice(3, encoded.length));
    }

    @Test
    void seal_badInput_isRefused() {
        ByteBuffer frame = ByteBuffer.allocate(40);
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.seal(FrameType.DATA, EPOCH, 1, frame, 9, Checksum.XXH64));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.seal(FrameType.DATA, EPOCH, 1, frame, -1, Checksum.XXH64));
        assertThrows(
                IllegalArgumentException.class,
                () -> FrameEncoder.seal(FrameType.SYN, EPOCH, 1, frame, 1, Checksum.XXH64));
        assertEquals(0, frame.position());
    }

    @Test
    void decode_directAndHeapBuffers_giveTheSame() {
        byte[] frame = frame(FrameType.DATA, EPOCH, 1, "payload");
        ByteBuffer direct = ByteBuffer.allocateDirect(100).put(frame).flip();
        ByteBuffer shifted = ByteBuffer.wrap(frame).slice();
        assertEquals(new FrameDecoder().decode(direct), new FrameDecoder().decode(shifted));
        assertEquals(frame.length, direct.position());
    }

    @Test
    void decode_largestFrame_fitsTheSmallestBuffer() {
        byte[] payload = new byte[FrameEncoder.MAX_PAYLOAD];
        payload[0] = 1;
        byte[] frame = frame(FrameType.DATA, EPOCH, 1, payload);
        ByteBuffer in = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE + FrameEncoder.MAX_PAYLOAD);
        Frame decoded = new FrameDecoder().decode(in.put(frame).flip());
        assertNotNull(decoded);
        assertEquals(ByteBuffer.wrap(payload), decoded.payload());
    }

    @Test
    void decode_headerWithOneFieldWrong_isSkipped() {
        byte[] good = frame(FrameType.DATA, EPOCH, 1, "x");
        for (int at = 0; at < good.length; at++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] bad = good.clone();
                bad[at] ^= (byte) (1 << bit);
                // Filled up, so that a length that lies gets what it asks for.
                List<Frame> frames = decodeAll(concat(bad, new byte[Padding.SIZE], frame(FrameType.SYN, 5, 0, "")));
                assertEquals(List.of(FrameType.SYN), types(frames), "bit " + bit + " of byte " + at);
            }
        }
    }

    @Test
    void decode_truncatedFrameThenPaddingAndSyn_yieldsTheSynWhereverItWasCut() {
        byte[] stale = frame(FrameType.DATA, EPOCH, 9, new byte[40]);
        byte[] padding = new byte[Padding.SIZE];
        for (int cut = 0; cut < stale.length; cut++) {
            byte[] bytes = concat(Arrays.copyOf(stale, cut), padding, frame(FrameType.SYN, 77, 0, ""));
            List<Frame> frames = decodeAll(bytes);
            assertEquals(77, frames.getLast().epoch(), "cut at " + cut);
            assertEquals(FrameType.SYN, frames.getLast().type());
        }
    }

    @Test
    void decode_truncatedLongFrameThenPaddingAndSyn_yieldsTheSyn() {
        byte[] payload = new byte[FrameEncoder.MAX_PAYLOAD];
        payload[payload.length - 1] = 1;
        byte[] stale = frame(FrameType.DATA, EPOCH, 9, payload);
        for (int cut : new int[] {32, 33, 1000, stale.length - 1}) {
            byte[] bytes = concat(Arrays.copyOf(stale, cut), new byte[Padding.SIZE], frame(FrameType.SYN, 77, 0, ""));
            assertEquals(List.of(FrameType.SYN), types(decodeAll(bytes)), "cut at " + cut);
        }
    }

    @Test
    void decode_truncatedFrameThenSyn_yieldsTheSynWithoutPadding() {
        byte[] stale = frame(FrameType.DATA, EPOCH, 9, "stale");
        byte[] syn = frame(FrameType.SYN, 77, 0, "");
        // From where the length is whole; before that the SYN's bytes may make a length that only padding fills.
        for (int cut = FrameEncoder.SEQUENCE_AT; cut < stale.length; cut++) {
            byte[] bytes = concat(Arrays.copyOf(stale, cut), syn);
            assertEquals(List.of(FrameType.SYN), types(decodeAll(bytes)), "cut at " + cut);
        }
    }

    @Test
    void decode_onlyMagics_costsLinearTime() {
        byte[] header = frame(FrameType.DATA, EPOCH, 1, new byte[FrameEncoder.MAX_PAYLOAD]);
        byte[] hostile = new byte[32 << 20];
        for (int at = 0; at + FrameEncoder.HEADER_SIZE <= hostile.length; at += FrameEncoder.HEADER_SIZE) {
            System.arraycopy(header, 0, hostile, at, FrameEncoder.HEADER_SIZE);
        }
        // Without a bound this is 78 GB of checksums.
        FrameDecoder decoder = new FrameDecoder();
        assertTimeout(
                Duration.ofSeconds(5),
                () -> assertEquals(List.of(), drain(decoder, ByteBuffer.wrap(hostile), hostile.length)));
        assertTrue(decoder.discardedBytes() > hostile.length - 2L * Padding.SIZE);
        // It has not gone deaf.
        ByteBuffer after = ByteBuffer.wrap(concat(new byte[2 * Padding.SIZE], frame(FrameType.SYN, 3, 0, "")));
        assertEquals(List.of(FrameType.SYN), types(drain(decoder, after, after.capacity())));
    }

    @Test
    void decode_httpOrText_isNoFrame() {
        String text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        FrameDecoder decoder = new FrameDecoder();
        ByteBuffer in = ByteBuffer.wrap(text.getBytes(UTF_8));
        assertNull(decoder.decode(in));
        assertEquals(text.length(), decoder.discardedBytes());
        assertFalse(in.hasRemaining());
    }

    @Test
    void accept_otherEpochGapOrRepeat_isToldApart() throws LinkException {
        EpochReceiver receiver = new EpochReceiver(EPOCH);
        assertFalse(receiver.accept(new Frame(FrameType.DATA, EPOCH + 1, 99, ByteBuffer.allocate(0))));
        assertTrue(receiver.accept(new Frame(FrameType.DATA, EPOCH, 1, ByteBuffer.allocate(0))));
        assertThrows(
                LinkException.class,
                () -> receiver.accept(new Frame(FrameType.DATA, EPOCH, 1, ByteBuffer.allocate(0))));
        LinkException gap = assertThrows(
                LinkException.class,
                () -> receiver.accept(new Frame(FrameType.DATA, EPOCH, 3, ByteBuffer.allocate(0))));
        assertEquals("frame 3 of epoch 123456789abcdef arrived where 2 was expected", gap.getMessage());
        assertTrue(receiver.accept(new Frame(FrameType.DATA, EPOCH, 2, ByteBuffer.allocate(0))));
    }

    @Test
    void scan_staleFrameHidesTheSynAck_findsItAndStopsBehindIt() {
        byte[] stale = frame(FrameType.DATA, 5, 9, new byte[1000]);
        byte[] synAck = frame(FrameType.SYN_ACK, EPOCH, 0, "");
        for (int cut = 0; cut <= stale.length; cut++) {
            byte[] bytes = concat(Arrays.copyOf(stale, cut), synAck, "rest".getBytes(UTF_8));
            ByteBuffer in = ByteBuffer.wrap(bytes);
            SynAckScanner scanner = new SynAckScanner(EPOCH);
            assertTrue(scanner.scan(in));
            assertEquals(4, in.remaining());
            assertEquals(cut + FrameEncoder.HEADER_SIZE, scanner.scannedBytes());
        }
    }

    @Test
    void scan_startOfTheSynAckRepeated_findsIt() {
        byte[] synAck = frame(FrameType.SYN_ACK, 0xFDB4C4A702010000L, 0, "");
        for (int cut = 1; cut < FrameEncoder.HEADER_SIZE; cut++) {
            for (int again = 1; again < FrameEncoder.HEADER_SIZE; again++) {
                byte[] bytes = concat(Arrays.copyOf(synAck, cut), Arrays.copyOf(synAck, again), synAck);
                SynAckScanner scanner = new SynAckScanner(0xFDB4C4A702010000L);
                boolean found = false;
                for (byte each : bytes) {
                    assertFalse(found);
                    found = scanner.scan(ByteBuffer.wrap(new byte[] {each}));
                }
                assertTrue(found);
            }
        }
    }

    @Test
    void scan_answerToAnotherEpoch_isNotTaken() {
        SynAckScanner scanner = new SynAckScanner(EPOCH);
        assertFalse(scanner.scan(ByteBuffer.wrap(frame(FrameType.SYN_ACK, EPOCH + 1, 0, ""))));
    }

    static byte[] frame(FrameType type, long epoch, int sequence, String payload) {
        return frame(type, epoch, sequence, payload.getBytes(UTF_8));
    }

    static byte[] frame(FrameType type, long epoch, int sequence, byte[] payload) {
        ByteBuffer out = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE + payload.length);
        FrameEncoder.encode(type, epoch, sequence, ByteBuffer.wrap(payload), out);
        return out.array();
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    static List<FrameType> types(List<Frame> frames) {
        return frames.stream().map(Frame::type).toList();
    }

    static List<Frame> decodeAll(byte[] bytes) {
        return drain(new FrameDecoder(), ByteBuffer.wrap(bytes), bytes.length);
    }

    /** Feeds a decoder through a buffer of the promised size, in chunks. */
    static List<Frame> drain(FrameDecoder decoder, ByteBuffer bytes, int chunk) {
        List<Frame> frames = new ArrayList<>();
        ByteBuffer in = ByteBuffer.allocate(Padding.SIZE);
        while (bytes.hasRemaining()) {
            int size = Math.min(Math.min(chunk, in.remaining()), bytes.remaining());
            assertTrue(size > 0, "a full buffer makes no progress");
            in.put(bytes.slice(bytes.position(), size)).flip();
            bytes.position(bytes.position() + size);
            for (Frame frame = decoder.decode(in); frame != null; frame = decoder.decode(in)) {
                ByteBuffer copy = ByteBuffer.allocate(frame.payload().remaining());
                copy.put(frame.payload()).flip();
                frames.add(new Frame(frame.type(), frame.epoch(), frame.sequence(), copy));
            }
            in.compact();
        }
        return frames;
    }
}
