package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class TerminalSanitizerTest {
    @Test
    void sanitize_escapeSequences_becomeVisible() {
        assertEquals("^[]0;owned^G^[[2J^?^@^H", TerminalSanitizer.sanitize("\033]0;owned\007\033[2J\177\0\b"));
    }

    @Test
    void sanitize_c1_becomesVisible() {
        assertEquals("\\x9b31m", TerminalSanitizer.sanitize("\u009b31m"));
        assertEquals("\\x9b31m", sanitizeBytes(0x9B, '3', '1', 'm'));
    }

    @Test
    void sanitize_brokenUtf8_becomesVisible() {
        // A stray byte, an overlong form, a surrogate, and a sequence that an escape character interrupts.
        assertEquals("\\xff", sanitizeBytes(0xFF));
        assertEquals("\\xc0\\x9b", sanitizeBytes(0xC0, 0x9B));
        assertEquals("\\xe0\\x80\\x9b", sanitizeBytes(0xE0, 0x80, 0x9B));
        assertEquals("\\xed\\xa0\\x80", sanitizeBytes(0xED, 0xA0, 0x80));
        assertEquals("\\xe2\\x82^[", sanitizeBytes(0xE2, 0x82, 0x1B));
        assertEquals("\\xe2\\x82", sanitizeBytes(0xE2, 0x82));
    }

    @Test
    void sanitize_text_passes() {
        String text = "plain\ttext\r\n äöü € 😀 ~";
        assertEquals(text, TerminalSanitizer.sanitize(text));
    }

    @Test
    void sanitize_characterInParts_passes() {
        TerminalSanitizer sanitizer = new TerminalSanitizer();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte b : "ä€😀".getBytes(StandardCharsets.UTF_8)) {
            out.writeBytes(sanitizer.sanitize(ByteBuffer.wrap(new byte[] {b})));
        }
        out.writeBytes(sanitizer.finish());
        assertEquals("ä€😀", out.toString(StandardCharsets.UTF_8));
    }

    private static String sanitizeBytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        TerminalSanitizer sanitizer = new TerminalSanitizer();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(sanitizer.sanitize(ByteBuffer.wrap(bytes)));
        out.writeBytes(sanitizer.finish());
        return out.toString(StandardCharsets.UTF_8);
    }
}
