package org.barchan.guest.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class OutputBufferTest {
    private final OutputBuffer buffer = new OutputBuffer(new BufferMemory(4 * OutputBuffer.CAPACITY));

    /** As its writer does: into the room there is, as often as it takes. */
    private void append(byte[] bytes) {
        append(buffer, bytes);
    }

    private static void append(OutputBuffer buffer, byte[] bytes) {
        int done = 0;
        while (done < bytes.length) {
            assertTrue(buffer.makeRoom(), "memory is short");
            int n = Math.min(buffer.room(), bytes.length - done);
            System.arraycopy(bytes, done, buffer.array(), buffer.writeIndex(), n);
            buffer.commit(n);
            done += n;
        }
    }

    /** As its sender does. */
    private ByteString take() {
        int n = buffer.sendable();
        ByteString data = ByteString.copyFrom(buffer.array(), buffer.sendIndex(), n);
        buffer.countSent(n);
        return data;
    }

    @Test
    void seek_beyondWhatWasWritten_isRefused() {
        append("abc".getBytes(StandardCharsets.UTF_8));

        assertThrows(IllegalArgumentException.class, () -> buffer.seek(4));
    }

    @Test
    void seek_beforeWhatWasAcknowledged_isRefused() {
        append("abc".getBytes(StandardCharsets.UTF_8));
        take();
        buffer.acknowledge(3);

        assertThrows(IllegalArgumentException.class, () -> buffer.seek(2));
    }

    @Test
    void acknowledge_ofWhatWasNotSent_forgetsNothing() {
        append("abc".getBytes(StandardCharsets.UTF_8));

        buffer.acknowledge(3);

        assertEquals("abc", take().toStringUtf8());
    }

    @Test
    void append_upToCapacity_leavesNoRoomUntilAcknowledged() {
        append(new byte[OutputBuffer.CAPACITY]);
        assertTrue(buffer.isFull(OutputBuffer.CAPACITY));

        while (buffer.hasUnsent()) {
            take();
        }
        buffer.acknowledge(OutputBuffer.CAPACITY);

        assertFalse(buffer.isFull(OutputBuffer.CAPACITY));
    }

    @Test
    void append_beyondCapacity_sendsTheRestWhenTheFirstIsAcknowledged() {
        append(new byte[OutputBuffer.CAPACITY + 5]);
        while (buffer.sendable() > 0) {
            take();
        }
        assertEquals(OutputBuffer.CAPACITY, buffer.sent());
        assertTrue(buffer.hasUnsent());

        buffer.acknowledge(3);

        assertEquals(3, take().size());
    }

    @Test
    void seekBack_atRandomPoints_deliversTheSameBytes() {
        Random random = new Random(42);
        byte[] written = new byte[200_000];
        random.nextBytes(written);
        int size = 0;
        while (size < written.length) {
            int n = Math.min(written.length - size, 1 + random.nextInt(9_000));
            append(Arrays.copyOfRange(written, size, size + n));
            size += n;
        }
        byte[] read = new byte[written.length];
        long acknowledged = 0;
        while (buffer.hasUnsent()) {
            long offset = buffer.sent();
            ByteString data = take();
            data.copyTo(read, (int) offset);
            if (random.nextInt(5) == 0) {
                acknowledged = offset;
                buffer.acknowledge(offset);
            }
            if (random.nextInt(3) == 0) {
                buffer.seek(acknowledged);
                acknowledged = offset + data.size();
                buffer.seek(offset + data.size());
            }
        }

        assertEquals(ByteString.copyFrom(written), ByteString.copyFrom(read));
    }

    @Test
    void append_muchAndAcknowledgedAtOnce_staysWithinCapacity() {
        for (int i = 0; i < 1000; i++) {
            append(new byte[60_000]);
            while (buffer.hasUnsent()) {
                take();
            }
            buffer.acknowledge(buffer.end());
        }

        assertEquals(60_000_000, buffer.end());
        assertTrue(buffer.array().length <= OutputBuffer.CAPACITY, "grew to " + buffer.array().length);
    }

    @Test
    void append_little_keepsLittle() {
        append(new byte[1000]);

        assertTrue(buffer.array().length <= 16 * 1024, "grew to " + buffer.array().length);
    }

    @Test
    void appendSendAndAcknowledge_atRandom_deliversWhatWasWritten() {
        Random random = new Random(7);
        byte[] written = new byte[3_000_000];
        random.nextBytes(written);
        byte[] read = new byte[written.length];
        int size = 0;
        while (buffer.sent() < written.length) {
            if (size < written.length && !buffer.isFull(OutputBuffer.CAPACITY)) {
                int n = Math.min(written.length - size, 1 + random.nextInt(200_000));
                append(Arrays.copyOfRange(written, size, size + n));
                size += n;
            }
            for (int i = random.nextInt(3); i > 0 && buffer.hasUnsent(); i--) {
                long offset = buffer.sent();
                take().copyTo(read, (int) offset);
            }
            if (random.nextInt(4) == 0) {
                buffer.acknowledge(buffer.sent() - random.nextInt(1 + (int) Math.min(50_000, buffer.sent())));
            }
            if (buffer.isFull(OutputBuffer.CAPACITY)) {
                buffer.acknowledge(buffer.sent());
            }
        }

        assertArrayEquals(written, read);
    }

    @Test
    void makeRoom_whereMemoryIsShort_failsUntilSomethingIsAcknowledged() {
        BufferMemory memory = new BufferMemory(8 * 1024);
        OutputBuffer first = new OutputBuffer(memory);
        append(first, new byte[9_000]);
        OutputBuffer second = new OutputBuffer(memory);
        append(second, new byte[6_000]);

        assertFalse(second.makeRoom());
        assertTrue(second.isStarved());
        assertFalse(first.isStarved());
        second.countSent(second.sendable());
        second.acknowledge(6_000);
        append(second, new byte[6_000]);
        assertFalse(second.isStarved());

        assertFalse(second.makeRoom());
        first.release();
        assertTrue(second.makeRoom());
        assertFalse(second.isStarved());
    }

    @Test
    void discard_makesRoomForMore() {
        append(new byte[OutputBuffer.CAPACITY]);

        buffer.discard();

        assertFalse(buffer.isFull(OutputBuffer.CAPACITY));
        assertFalse(buffer.hasUnsent());
        assertEquals(OutputBuffer.CAPACITY, buffer.end());
    }
}
