package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DetachKeysTest {
    @ParameterizedTest
    @ValueSource(strings = {"ctrl-", "ctrl-ab", "ab", "ctrl-p,", ",", " ", "ctrl-1", "\u00e4"})
    void keysThatAreNone_areRefused(String text) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> DetachKeys.parse(text))
                .getMessage());
        assertTrue(message.contains("'" + text + "' (expected: keys"), message);
    }

    @ParameterizedTest
    @CsvSource({
        // Keys, what is typed in two pieces, what is passed on, whether they were all there; @ is ctrl-p, # is ctrl-q.
        "'ctrl-p,ctrl-q', a@, #b, a, true",
        "'ctrl-p,ctrl-q', a@, b, a@b, false",
        "'ctrl-p,ctrl-q', @@, #, @, true",
        "'ctrl-p,ctrl-q', a@b, #, a@b#, false",
        "'a,a,b', aa, ab, a, true",
        "'a,b,a,c', aba, bac, ab, true",
        "x, ab, xc, ab, true",
        "'', @#, x, @#x, false",
    })
    void sequence_isHeldUntilItIsClear(String keys, String first, String second, String passed, boolean complete) {
        DetachKeys detach = DetachKeys.parse(keys);
        String all = pass(detach, first) + (detach.complete() ? "" : pass(detach, second));
        assertEquals(passed, all);
        assertEquals(complete, detach.complete());
    }

    @Test
    void none_passAll() {
        assertEquals("@#", pass(DetachKeys.none(), "@#"));
    }

    private static String pass(DetachKeys keys, String typed) {
        byte[] bytes = typed.replace('@', (char) 16).replace('#', (char) 17).getBytes(StandardCharsets.ISO_8859_1);
        return new String(keys.pass(bytes, bytes.length), StandardCharsets.ISO_8859_1)
                .replace((char) 16, '@')
                .replace((char) 17, '#');
    }
}
