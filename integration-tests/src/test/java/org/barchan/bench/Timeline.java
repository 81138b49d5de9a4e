package org.barchan.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code barchan run --timing} has said of one run.
 *
 * @param what how it was started
 * @param marks in order of time
 */
record Timeline(String what, List<Mark> marks) {
    private static final Pattern LINE = Pattern.compile("\\s*([0-9.]+)\\s+\\+([0-9.]+)\\s+(\\S.*)");

    Timeline {
        marks = List.copyOf(marks);
    }

    /**
     * Something that was reached.
     *
     * @param at milliseconds since the command was executed
     */
    record Mark(double at, String what) {
        /** Whether it is a part of what comes next that is none. */
        boolean isPart() {
            return what.startsWith("guest: ");
        }
    }

    /** Reads what the command has written on standard error. */
    static Timeline parse(String what, List<String> lines) {
        List<Mark> marks = new ArrayList<>();
        for (String line : lines) {
            Matcher matcher = LINE.matcher(line);
            if (matcher.matches()) {
                marks.add(new Mark(Double.parseDouble(matcher.group(1)), matcher.group(3)));
            }
        }
        return new Timeline(what, marks);
    }

    /** Returns when something was reached, in milliseconds. */
    double at(String what) {
        return marks.stream()
                .filter(mark -> mark.what().equals(what))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(what + ": not among " + marks))
                .at();
    }

    /** Returns how long all of it took, in milliseconds. */
    double end() {
        return marks.isEmpty() ? 0 : marks.getLast().at();
    }
}
