package org.barchan.guest.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class OutputBufferTest {
    private final OutputBuffer buffer = new OutputBuffer();

    @Test
    void seek_beyondWhatWasWritten_isRefused() {
        buffer.append(ByteString.copyFromUtf8("abc"));

        assertThrows(IllegalArgumentException.class, () -> buffer.seek(4));
    }

    @Test
    void seek_beforeWhatWasAcknowledged_isRefused() {
        buffer.append(ByteString.copyFromUtf8("abc"));
        buffer.take();
        buffer.acknowledge(3);

        assertThrows(IllegalArgumentException.class, () -> buffer.seek(2));
    }

    @Test
    void acknowledge_ofWhatWasNotSent_forgetsNothing() {
        buffer.append(ByteString.copyFromUtf8("abc"));

        buffer.acknowledge(3);

        assertEquals("abc", buffer.take().toStringUtf8());
    }

    @Test
    void append_upToCapacity_leavesNoRoomUntilAcknowledged() {
        buffer.append(ByteString.copyFrom(new byte[OutputBuffer.CAPACITY]));
        assertFalse(buffer.hasRoom());

        while (buffer.hasUnsent()) {
            assertTrue(buffer.take().size() <= OutputBuffer.MAX_CHUNK);
        }
        buffer.acknowledge(OutputBuffer.CAPACITY);

        assertTrue(buffer.hasRoom());
    }

    @Test
    void seekBack_atRandomPoints_deliversTheSameBytes() {
        Random random = new Random(42);
        byte[] written = new byte[200_000];
        random.nextBytes(written);
        int size = 0;
        while (size < written.length) {
            int n = Math.min(written.length - size, 1 + random.nextInt(9_000));
            buffer.append(ByteString.copyFrom(written, size, n));
            size += n;
        }
        byte[] read = new byte[written.length];
        long acknowledged = 0;
        while (buffer.hasUnsent()) {
            long offset = buffer.sent();
            ByteString data = buffer.take();
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
}
