package org.barchan.cli;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Makes untrusted bytes safe to write to a terminal: control characters (C0 but tab, line feed and carriage return; DEL; C1) and bytes
 * that are not UTF-8 become visible, as cat(1) -v shows them or as {@code \xNN}. UTF-8 passes, also when a character comes in parts.
 * Not thread-safe.
 */
final class TerminalSanitizer {
    /** Bytes of a character whose end has not come yet. */
    private final byte[] pending = new byte[4];

    private int have;
    private int need;

    /** Takes all remaining bytes and returns what to write for them. */
    byte[] sanitize(ByteBuffer bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.remaining() + 16);
        while (bytes.hasRemaining()) {
            take(bytes.get() & 0xFF, out);
        }
        return out.toByteArray();
    }

    /** Returns what to write for a character that never ended. */
    byte[] finish() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        escapePending(out);
        return out.toByteArray();
    }

    static String sanitize(String text) {
        byte[] bytes = new TerminalSanitizer().sanitize(StandardCharsets.UTF_8.encode(text));
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void take(int b, ByteArrayOutputStream out) {
        if (have > 0) {
            if (b >= lowest() && b <= highest()) {
                pending[have++] = (byte) b;
                if (have == need) {
                    writeCharacter(out);
                }
                return;
            }
            escapePending(out);
        }
        if (b < 0x80) {
            writeAscii(b, out);
        } else if (b >= 0xC2 && b <= 0xF4) {
            pending[0] = (byte) b;
            have = 1;
            need = b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        } else {
            escape(b, out);
        }
    }

    /** The second byte of some characters is limited: no overlong forms, no surrogates (RFC 3629). */
    private int lowest() {
        int first = pending[0] & 0xFF;
        return have > 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    }

    private int highest() {
        int first = pending[0] & 0xFF;
        return have > 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    }

    private void writeCharacter(ByteArrayOutputStream out) {
        boolean c1 = need == 2 && (pending[0] & 0xFF) == 0xC2 && (pending[1] & 0xFF) < 0xA0;
        if (c1) {
            escape(pending[1] & 0xFF, out);
        } else {
            out.write(pending, 0, need);
        }
        have = 0;
    }

    private void escapePending(ByteArrayOutputStream out) {
        for (int i = 0; i < have; i++) {
            escape(pending[i] & 0xFF, out);
        }
        have = 0;
    }

    private static void writeAscii(int b, ByteArrayOutputStream out) {
        if ((b >= 0x20 && b < 0x7F) || b == '\n' || b == '\t' || b == '\r') {
            out.write(b);
        } else {
            out.write('^');
            out.write(b ^ 0x40);
        }
    }

    private static void escape(int b, ByteArrayOutputStream out) {
        out.writeBytes(String.format("\\x%02x", b).getBytes(StandardCharsets.US_ASCII));
    }
}
