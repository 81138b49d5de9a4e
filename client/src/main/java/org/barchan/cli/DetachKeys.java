package org.barchan.cli;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The keys that leave a process to itself, in what is typed. Keys that only begin like them are held until it is clear. For one thread. */
final class DetachKeys {
    private static final String CTRL = "ctrl-";

    private final byte[] sequence;
    private int matched;

    /** @param sequence empty: there are none */
    private DetachKeys(byte[] sequence) {
        this.sequence = sequence;
    }

    static DetachKeys none() {
        return new DetachKeys(new byte[0]);
    }

    /** @throws IllegalArgumentException if a text says no keys */
    static DetachKeys parse(String text) {
        if (text.isEmpty()) {
            return none();
        }
        List<Byte> keys = new ArrayList<>();
        for (String key : text.split(",", -1)) {
            keys.add(key(text, key));
        }
        byte[] bytes = new byte[keys.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = keys.get(i);
        }
        return new DetachKeys(bytes);
    }

    private static byte key(String text, String key) {
        if (key.length() == 1 && key.charAt(0) > ' ' && key.charAt(0) < 0x7f) {
            return (byte) key.charAt(0);
        }
        if (key.length() == CTRL.length() + 1 && key.startsWith(CTRL)) {
            char letter = key.toUpperCase(Locale.ROOT).charAt(CTRL.length());
            // What a terminal makes of it.
            if (letter >= '@' && letter <= '_') {
                return (byte) (letter - '@');
            }
        }
        throw new IllegalArgumentException("invalid value for option '--detach-keys': '" + text
                + "' (expected: keys with commas between them, each a character or ctrl- and one of a-z @ [ \\ ] ^ _;"
                + " or nothing, for none)");
    }

    /** Whether all of them have come, one behind the other. */
    boolean complete() {
        return sequence.length > 0 && matched == sequence.length;
    }

    /** Returns what is to be passed on after some more bytes were typed, up to the last key of the sequence. */
    byte[] pass(byte[] typed, int count) {
        ByteArrayOutputStream passed = new ByteArrayOutputStream(count + sequence.length);
        for (int i = 0; i < count && !complete(); i++) {
            take(typed[i], passed);
        }
        return passed.toByteArray();
    }

    private void take(byte key, ByteArrayOutputStream passed) {
        while (sequence.length > 0 && sequence[matched] != key && matched > 0) {
            // What was held began like the sequence; perhaps it does so a key later, too.
            int held = matched;
            matched = borderOf(held);
            passed.write(sequence, 0, held - matched);
        }
        if (sequence.length > 0 && sequence[matched] == key) {
            matched++;
        } else {
            passed.write(key);
        }
    }

    /** Returns the length of the longest proper beginning of the sequence that the first keys of it end with. */
    private int borderOf(int length) {
        for (int border = length - 1; border > 0; border--) {
            boolean same = true;
            for (int i = 0; i < border; i++) {
                same &= sequence[i] == sequence[length - border + i];
            }
            if (same) {
                return border;
            }
        }
        return 0;
    }
}
