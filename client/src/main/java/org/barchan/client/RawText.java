package org.barchan.client;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Strings that stand for any bytes. Linux passes arguments, environment and file names as bytes that need not be UTF-8; here they are
 * UTF-8 where they can be, and each other byte {@code b} is the lone surrogate {@code U+DC00 + b}, as in Python's PEP 383.
 */
public final class RawText {
    private static final int ESCAPE = 0xDC00;

    private RawText() {}

    /** Whether a text stands for bytes that are no UTF-8. */
    public static boolean hasBytes(String text) {
        return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    /** Returns the text of any bytes; {@link #encode} gives the same bytes back. */
    public static String decode(byte[] bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            if (!result.isError()) {
                return out.flip().toString();
            }
            for (int i = 0; i < result.length(); i++) {
                out.put((char) (ESCAPE + (in.get() & 0xFF)));
            }
            decoder.reset();
        }
    }

    /**
     * Returns the bytes of a text.
     *
     * @throws IllegalArgumentException if it holds a surrogate that is neither half of a pair nor an escaped byte
     */
    public static byte[] encode(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(text.length() + 16);
        int plain = 0;
        for (int i = 0; i <= text.length(); i++) {
            if (i == text.length() || isEscape(text, i)) {
                encodePlain(text, plain, i, out);
                plain = i + 1;
                if (i < text.length()) {
                    out.write(text.charAt(i) - ESCAPE);
                }
            }
        }
        return out.toByteArray();
    }

    private static boolean isEscape(String text, int index) {
        char c = text.charAt(index);
        boolean pair = index > 0 && Character.isHighSurrogate(text.charAt(index - 1));
        return c >= ESCAPE + 0x80 && c <= ESCAPE + 0xFF && !pair;
    }

    private static void encodePlain(String text, int from, int to, ByteArrayOutputStream out) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8
                    .newEncoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(text, from, to));
            out.write(bytes.array(), bytes.arrayOffset(), bytes.limit());
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("text with a lone surrogate that stands for no byte", e);
        }
    }
}
