package org.barchan.host.sandbox;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Words of a user's own about a sandbox.
 *
 * @param values by key, in the order of the keys
 */
public record Labels(Map<String, String> values) {
    public static final Labels NONE = new Labels(Map.of());

    /** How many a sandbox may have. */
    public static final int MAX = 64;

    /** Of all of them: lists of many sandboxes have them, too. */
    private static final int MAX_BYTES = 4096;

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?");

    /** @throws IllegalArgumentException when one is none, or they are too many or too long */
    public Labels {
        if (values.size() > MAX) {
            throw new IllegalArgumentException(values.size() + " of them (expected: at most " + MAX + ")");
        }
        values = Collections.unmodifiableMap(new TreeMap<>(values));
        int bytes = 0;
        for (Map.Entry<String, String> label : values.entrySet()) {
            checkKey(label.getKey());
            checkValue(label.getValue());
            bytes += size(label.getKey()) + size(label.getValue());
        }
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException(bytes + " bytes (expected: at most " + MAX_BYTES + " together)");
        }
    }

    private static int size(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** @throws IllegalArgumentException when it is no label's key */
    public static void checkKey(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException(
                    "key '" + key
                            + "' (expected: 1 to 128 of a-z, A-Z, 0-9, '.', '_', '-', '/', beginning and ending with a letter or digit)");
        }
    }

    /** @throws IllegalArgumentException when it is no label's value */
    public static void checkValue(String value) {
        if (value.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("a value with a control character (expected: text without)");
        }
    }
}
