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
    private final StdinBuffer buffer = new StdinBuffer();

    @Test
    void receive_withGap_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> buffer.receive(1, ByteString.copyFromUtf8("a")));
    }

    @Test
    void receive_beyondTheWindow_isRefused() {
        ByteString tooMuch = ByteString.copyFrom(new byte[StdinBuffer.WINDOW + 1]);

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
        for (int i = 0; i < StdinBuffer.WINDOW; i++) {
            buffer.receive(i, ByteString.copyFrom(new byte[] {(byte) i}));
        }
        int pieces = 0;
        for (ByteString piece = buffer.poll(); piece != null; piece = buffer.poll()) {
            all = all.concat(piece);
            pieces++;
        }

        assertEquals(StdinBuffer.WINDOW, all.size());
        assertEquals((byte) 77, all.byteAt(256 * 100 + 77));
        assertTrue(pieces <= StdinBuffer.WINDOW / 4096, () -> "pieces of a few bytes each");
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
        for (long offset = 0; offset < 10L * StdinBuffer.WINDOW; offset += StdinBuffer.WINDOW) {
            buffer.receive(offset, ByteString.copyFrom(new byte[StdinBuffer.WINDOW]));
        }

        assertNull(buffer.poll());
        assertTrue(buffer.isFinished());
    }
}
