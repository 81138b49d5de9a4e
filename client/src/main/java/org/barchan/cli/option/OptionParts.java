package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The parts of an option's value: {@code key=value,flag,key=value}. A part that holds a comma stands in double quotes; a double quote in it
 * is doubled.
 */
public final class OptionParts {
    private final Function<String, IllegalArgumentException> wrong;
    private final Map<String, String> values = new LinkedHashMap<>();

    /**
     * Reads a value.
     *
     * @param keys the keys that are known, and what each stands for
     * @param flags those of the latter that need no value
     * @param wrong makes an exception of a problem
     */
    OptionParts(
            String text,
            Map<String, String> keys,
            Set<String> flags,
            String expected,
            Function<String, IllegalArgumentException> wrong) {
        this.wrong = wrong;
        for (String part : split(text)) {
            int equals = part.indexOf('=');
            String given = equals < 0 ? part : part.substring(0, equals);
            String key = keys.get(given);
            if (key == null) {
                throw wrong.apply("unknown part '" + given + "' (expected: " + expected + ")");
            }
            if (equals < 0 && !flags.contains(key)) {
                throw wrong.apply("'" + given + "' has no value (expected: " + given + "=VALUE)");
            }
            String value = equals < 0 ? "true" : part.substring(equals + 1);
            if (flags.contains(key) && !value.equals("true") && !value.equals("false")) {
                throw wrong.apply(given + "=" + value + " (expected: true or false)");
            }
            if (values.putIfAbsent(key, value) != null) {
                throw wrong.apply("'" + given + "' is there twice");
            }
        }
    }

    /** Puts parts together. */
    public static String join(List<String> parts) {
        return parts.stream()
                .map(part -> part.contains(",") || part.contains("\"") ? '"' + part.replace("\"", "\"\"") + '"' : part)
                .collect(Collectors.joining(","));
    }

    private List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' && quoted && i + 1 < text.length() && text.charAt(i + 1) == '"') {
                part.append(c);
                i++;
            } else if (c == '"' && (quoted || part.isEmpty())) {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(c);
            }
        }
        if (quoted) {
            throw wrong.apply("a double quote is not closed");
        }
        parts.add(part.toString());
        return parts;
    }

    /** Returns a value that has to be there. */
    String required(String key, String expected) {
        String value = get(key, "");
        if (value.isEmpty()) {
            throw wrong.apply("no " + key + " (expected: " + key + "=..., " + expected + ")");
        }
        return value;
    }

    String get(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    boolean is(String flag) {
        return get(flag, "").equals("true");
    }

    Set<String> keys() {
        return values.keySet();
    }
}
