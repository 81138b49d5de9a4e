package org.barchan.host.adapter.libvirt;

/** Text of a stranger's, made safe to print: a terminal must not obey it. */
final class Printable {
    private Printable() {}

    /** Returns the text with its control characters as {@code \xNN}, line feeds and tabs left. */
    static String of(String text) {
        StringBuilder printable = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (c == '\n' || c == '\t' || !isControl(c)) {
                printable.appendCodePoint(c);
            } else if (c <= 0xFF) {
                printable.append(String.format("\\x%02x", c));
            } else {
                printable.append(String.format("\\u%04x", c));
            }
        });
        return printable.toString();
    }

    /** Format characters are meant too: among them are those that reverse the direction of text. */
    private static boolean isControl(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.UNASSIGNED -> true;
            default -> false;
        };
    }
}
