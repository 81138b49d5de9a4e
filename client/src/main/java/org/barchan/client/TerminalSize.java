package org.barchan.client;

/**
 * How large a terminal is.
 *
 * @param rows lines, 0 to 65535; 0: nobody knows
 * @param columns characters in a line, 0 to 65535; 0: nobody knows
 */
public record TerminalSize(int rows, int columns) {
    public static final TerminalSize UNKNOWN = new TerminalSize(0, 0);

    private static final int MAX = 65535;

    /** @throws IllegalArgumentException if a value is out of range */
    public TerminalSize {
        if (rows < 0 || rows > MAX || columns < 0 || columns > MAX) {
            throw new IllegalArgumentException(
                    "terminal size: " + rows + " rows, " + columns + " columns (expected: each 0 to " + MAX + ")");
        }
    }
}
