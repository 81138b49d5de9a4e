package org.barchan.host.adapter.link;

/** Makes text of a guest fit for logs, messages and terminals. */
final class EscapedText {
    private static final int MAX_LENGTH = 512;

    private EscapedText() {}

    /**
     * Returns the text with everything that is not visible, or changes what is, written as <code>&#92;uXXXX</code>: control
     * characters, line ends, direction marks, lone surrogates. Cut after 512 characters.
     */
    static String of(String text) {
        StringBuilder escaped = new StringBuilder(Math.min(text.length(), MAX_LENGTH) + 16);
        int index = 0;
        while (index < text.length()) {
            if (escaped.length() >= MAX_LENGTH) {
                return escaped.append("...").toString();
            }
            int character = text.codePointAt(index);
            index += Character.charCount(character);
            if (isVisible(character)) {
                escaped.appendCodePoint(character);
            } else {
                for (char unit : Character.toChars(character)) {
                    escaped.append("\\u%04x".formatted((int) unit));
                }
            }
        }
        return escaped.toString();
    }

    private static boolean isVisible(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}
