package org.barchan.host.lifecycle;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How clients name a place between two events: {@code EPOCH-NUMBER}, of which they know nothing. */
public record EventCursor(String epoch, long next) {
    private static final Pattern FORM = Pattern.compile("([0-9a-f]{8})-(\\d{1,18})");

    /** @throws IllegalArgumentException when it was never given out */
    public static EventCursor parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + Printable.line(text.substring(0, Math.min(64, text.length())))
                    + "' (expected: a cursor of an event)");
        }
        return new EventCursor(matcher.group(1), Long.parseLong(matcher.group(2)));
    }

    @Override
    public String toString() {
        return epoch + "-" + next;
    }
}
