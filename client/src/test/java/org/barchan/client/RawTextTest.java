package org.barchan.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class RawTextTest {
    @Test
    void encode_loneSurrogate_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> RawText.encode("\uD800"));
        assertThrows(IllegalArgumentException.class, () -> RawText.encode("\uDC00"));
    }

    @Test
    void decode_validUtf8_isPlainText() {
        assertEquals("aä€😀", RawText.decode("aä€😀".getBytes(StandardCharsets.UTF_8)));
        assertArrayEquals("aä€😀".getBytes(StandardCharsets.UTF_8), RawText.encode("aä€😀"));
    }

    @Test
    void decode_brokenBytes_areEscaped() {
        assertEquals("a\uDCFFb\uDCC3", RawText.decode(new byte[] {'a', (byte) 0xFF, 'b', (byte) 0xC3}));
    }

    @Test
    void encode_afterDecode_givesTheSameBytes() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            assertArrayEquals(bytes, RawText.encode(RawText.decode(bytes)));
        }
    }
}
