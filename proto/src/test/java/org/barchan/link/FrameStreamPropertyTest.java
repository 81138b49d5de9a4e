package org.barchan.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What holds for all streams of frames, however they are broken. */
class FrameStreamPropertyTest {
    private static final long EPOCH = 42;
    private static final FrameType[] WITH_PAYLOAD = {FrameType.DATA, FrameType.FIN, FrameType.PING, FrameType.PONG};

    @Property(tries = 200)
    void anyFramesInAnyChunks_arriveAsTheyWere(@ForAll long seed, @ForAll @IntRange(min = 1, max = 200_000) int chunk) {
        List<Frame> sent = frames(new Random(seed), 20);
        assertEquals(sent, FrameCodecTest.drain(new FrameDecoder(), bytesOf(sent), chunk));
    }

    @Property(tries = 300)
    void garbageWithMagics_chunksMakeNoDifference(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5_000) int chunk) {
        byte[] garbage = garbage(new Random(seed), 50_000);
        byte[] bytes = FrameCodecTest.concat(
                garbage, new byte[Padding.SIZE], FrameCodecTest.frame(FrameType.SYN, EPOCH, 0, ""));
        List<Frame> whole = FrameCodecTest.decodeAll(bytes);
        assertEquals(whole, FrameCodecTest.drain(new FrameDecoder(), ByteBuffer.wrap(bytes), chunk));
        assertEquals(EPOCH, whole.getLast().epoch());
    }

    @Property(tries = 300)
    void flippedBits_neverYieldAFrameThatWasNotSent_andTheReceiverNotices(@ForAll long seed) throws LinkException {
        Random random = new Random(seed);
        List<Frame> sent = frames(random, 10);
        byte[] bytes = bytesOf(sent).array();
        int at = random.nextInt(bytes.length);
        bytes[at] ^= (byte) (1 << random.nextInt(8));
        FrameDecoder decoder = new FrameDecoder();
        List<Frame> got = FrameCodecTest.drain(decoder, ByteBuffer.wrap(bytes), 4096);
        assertTrue(sent.containsAll(got));
        assertTrue(got.size() < sent.size());
        // A prefix only: what came behind the broken frame is refused.
        assertEquals(sent.subList(0, accepted(got)), got.subList(0, accepted(got)));
    }

    @Property(tries = 200)
    void reorderedDuplicatedOrLostFrames_onlyAnUnbrokenPrefixIsAccepted(@ForAll long seed) throws LinkException {
        Random random = new Random(seed);
        List<Frame> sent = frames(random, 12);
        List<Frame> broken = new ArrayList<>(sent);
        int at = random.nextInt(broken.size() - 1);
        switch (random.nextInt(3)) {
            case 0 -> broken.remove(at);
            case 1 -> broken.add(at, broken.get(at));
            default -> Collections.swap(broken, at, at + 1);
        }
        List<Frame> got = FrameCodecTest.drain(new FrameDecoder(), bytesOf(broken), 1000);
        int accepted = accepted(got);
        assertTrue(accepted < sent.size());
        assertEquals(sent.subList(0, accepted), got.subList(0, accepted));
    }

    @Property(tries = 200)
    void staleEpochsBetween_areDroppedAndDoNotDisturb(@ForAll long seed) throws LinkException {
        Random random = new Random(seed);
        List<Frame> sent = frames(random, 10);
        List<Frame> mixed = new ArrayList<>();
        for (Frame frame : sent) {
            if (random.nextBoolean()) {
                mixed.add(new Frame(frame.type(), EPOCH + 1, random.nextInt(5), frame.payload()));
            }
            mixed.add(frame);
        }
        assertEquals(sent.size(), accepted(FrameCodecTest.drain(new FrameDecoder(), bytesOf(mixed), 999)));
    }

    @Property(tries = 300)
    void staleBytesCutAnywhere_thenPaddingAndSyn_theNewEpochIsWhole(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 100_000) int chunk) {
        Random random = new Random(seed);
        byte[] stale = bytesOf(frames(random, 6)).array();
        int from = random.nextInt(stale.length);
        int to = from + random.nextInt(stale.length - from);
        List<Frame> sent = new ArrayList<>();
        sent.add(new Frame(FrameType.SYN, 7, 0, ByteBuffer.allocate(0)));
        for (Frame frame : frames(random, 6)) {
            sent.add(new Frame(frame.type(), 7, frame.sequence(), frame.payload()));
        }
        byte[] bytes = FrameCodecTest.concat(
                Arrays.copyOfRange(stale, from, to),
                new byte[Padding.SIZE],
                bytesOf(sent).array());
        List<Frame> got = FrameCodecTest.drain(new FrameDecoder(), ByteBuffer.wrap(bytes), chunk);
        assertEquals(sent, got.subList(got.size() - sent.size(), got.size()));
    }

    @Property(tries = 300)
    void synAckBehindGarbage_isFoundInAnyChunks(@ForAll long seed) {
        Random random = new Random(seed);
        byte[] synAck = FrameCodecTest.frame(FrameType.SYN_ACK, EPOCH, 0, "");
        byte[] bytes = FrameCodecTest.concat(garbage(random, 5_000), synAck, new byte[random.nextInt(100)]);
        SynAckScanner scanner = new SynAckScanner(EPOCH);
        ByteBuffer all = ByteBuffer.wrap(bytes);
        boolean found = false;
        while (!found) {
            int size = Math.min(all.remaining(), 1 + random.nextInt(200));
            ByteBuffer chunk = all.slice(all.position(), size);
            found = scanner.scan(chunk);
            all.position(all.position() + chunk.position());
        }
        assertEquals(
                ByteBuffer.wrap(synAck),
                all.slice(all.position() - FrameEncoder.HEADER_SIZE, FrameEncoder.HEADER_SIZE));
    }

    private static int accepted(List<Frame> frames) {
        EpochReceiver receiver = new EpochReceiver(EPOCH);
        int accepted = 0;
        for (Frame frame : frames) {
            try {
                accepted += receiver.accept(frame) ? 1 : 0;
            } catch (LinkException e) {
                return accepted;
            }
        }
        return accepted;
    }

    private static List<Frame> frames(Random random, int count) {
        List<Frame> frames = new ArrayList<>();
        for (int sequence = 1; sequence <= count; sequence++) {
            byte[] payload = new byte[random.nextInt(random.nextInt(8) == 0 ? FrameEncoder.MAX_PAYLOAD + 1 : 300)];
            random.nextBytes(payload);
            FrameType type = WITH_PAYLOAD[random.nextInt(WITH_PAYLOAD.length)];
            frames.add(new Frame(type, EPOCH, sequence, ByteBuffer.wrap(payload)));
        }
        return frames;
    }

    private static ByteBuffer bytesOf(List<Frame> frames) {
        return ByteBuffer.wrap(FrameCodecTest.concat(frames.stream()
                .map(frame -> FrameCodecTest.frame(
                        frame.type(),
                        frame.epoch(),
                        frame.sequence(),
                        frame.payload().array()))
                .toArray(byte[][]::new)));
    }

    /** Random bytes, magics, headers with lengths that lie, whole frames, and pieces of them. */
    private static byte[] garbage(Random random, int size) {
        ByteBuffer out = ByteBuffer.allocate(size);
        byte[] frame = FrameCodecTest.frame(FrameType.DATA, 3, 1, new byte[random.nextInt(40_000)]);
        while (out.remaining() > 100) {
            switch (random.nextInt(4)) {
                case 0 -> out.put((byte) random.nextInt());
                case 1 -> out.putInt(FrameEncoder.MAGIC);
                case 2 -> out.put(frame, 0, FrameEncoder.HEADER_SIZE);
                default -> out.put(frame, 0, Math.min(1 + random.nextInt(frame.length), out.remaining() - 1));
            }
        }
        return Arrays.copyOf(out.array(), out.position());
    }
}
