package org.barchan.host.lifecycle;

/** Makes text from guests and clients safe for logs and terminals. */
public final class Printable {
    private Printable() {}

    /** Returns the text with control characters as {@code \xNN}, line feeds too, so that it is one harmless line. */
    public static String line(String text) {
        return escape(text, false);
    }

    /** Returns the text with control characters as {@code \xNN}, but line feeds kept. */
    public static String lines(String text) {
        return escape(text, true);
    }

    private static String escape(String text, boolean keepLineFeeds) {
        StringBuilder safe = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (c == '\n' && keepLineFeeds) {
                safe.append('\n');
            } else if (Character.isISOControl(c)) {
                safe.append("\\x%02x".formatted(c));
            } else if (Character.getType(c) == Character.FORMAT
                    || Character.getType(c) == Character.SURROGATE
                    || c == 0x2028
                    || c == 0x2029) {
                // Text direction marks and the like can make a terminal show something else than is there.
                safe.append("\\u{%x}".formatted(c));
            } else {
                safe.appendCodePoint(c);
            }
        });
        return safe.toString();
    }
}
