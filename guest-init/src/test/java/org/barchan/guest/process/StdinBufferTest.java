package org.barchan.guest.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import org.junit.jupiter.api.Test;

final class StdinBufferTest {
    private final StdinBuffer buffer = new StdinBuffer(new BufferMemory(StdinBuffer.LARGE_WINDOW));

    @Test
    void receive_withGap_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> buffer.receive(1, ByteString.copyFromUtf8("a")));
    }

    @Test
    void receive_beyondTheWindow_isRefused() {
        ByteString tooMuch = ByteString.copyFrom(new byte[StdinBuffer.LARGE_WINDOW + 1]);

        assertThrows(IllegalArgumentException.class, () -> buffer.receive(0, tooMuch));
    }

    @Test
    void receive_ofKnownBytes_takesInTheNewOnesAlone() {
        buffer.receive(0, ByteString.copyFromUtf8("abc"));
        buffer.receive(1, ByteString.copyFromUtf8("bcde"));

        assertEquals(5, buffer.received());
        assertEquals(ByteString.copyFromUtf8("abcde"), buffer.poll());
        assertNull(buffer.poll());
    }

    @Test
    void receive_byteByByte_takesAFewPieces() {
        ByteString all = ByteString.EMPTY;
        for (int i = 0; i < StdinBuffer.LARGE_WINDOW; i++) {
            buffer.receive(i, ByteString.copyFrom(new byte[] {(byte) i}));
        }
        int pieces = 0;
        for (ByteString piece = buffer.poll(); piece != null; piece = buffer.poll()) {
            all = all.concat(piece);
            pieces++;
        }

        assertEquals(StdinBuffer.LARGE_WINDOW, all.size());
        assertEquals((byte) 77, all.byteAt(256 * 100 + 77));
        assertTrue(pieces <= StdinBuffer.LARGE_WINDOW / 4096, () -> "pieces of a few bytes each");
    }

    @Test
    void end_withBytesLeft_isFinishedOnlyAfterThem() {
        buffer.receive(0, ByteString.copyFromUtf8("abc"));
        buffer.end();
        assertFalse(buffer.isFinished());

        assertNotNull(buffer.poll());
        assertTrue(buffer.isFinished());
    }

    @Test
    void close_opensTheWindowForEver() {
        buffer.close();
        for (long offset = 0; offset < 10L * StdinBuffer.LARGE_WINDOW; offset += StdinBuffer.LARGE_WINDOW) {
            buffer.receive(offset, ByteString.copyFrom(new byte[StdinBuffer.LARGE_WINDOW]));
        }

        assertNull(buffer.poll());
        assertTrue(buffer.isFinished());
    }

    @Test
    void limit_whereMemoryIsShort_isLower() {
        BufferMemory memory = new BufferMemory(StdinBuffer.LARGE_WINDOW);
        StdinBuffer first = new StdinBuffer(memory);

        assertEquals(StdinBuffer.LARGE_WINDOW, first.limit());
        StdinBuffer second = new StdinBuffer(memory);
        assertEquals(StdinBuffer.SMALL_WINDOW, second.limit());
        first.release();
        second.release();
        assertEquals(StdinBuffer.LARGE_WINDOW, new StdinBuffer(memory).limit());
    }
}
