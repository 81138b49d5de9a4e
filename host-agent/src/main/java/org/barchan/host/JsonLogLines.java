package org.barchan.host;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A JSON object for each record, in a line of its own, for programs that collect logs: members that don't apply are absent. */
final class JsonLogLines extends Formatter {
    /** How what is said of a sandbox or a process of it begins. */
    private static final Pattern SUBJECT = Pattern.compile("(?:sandbox )?(b-[a-z0-9]{12})(?:/([A-Za-z0-9._-]+))?[: ]");

    @Override
    public String format(LogRecord record) {
        String message = formatMessage(record);
        StringBuilder line = new StringBuilder("{");
        add(line, "time", record.getInstant().toString());
        add(line, "level", level(record.getLevel()));
        add(line, "logger", String.valueOf(record.getLoggerName()));
        // A record is formatted by the thread that it is of.
        add(line, "thread", Thread.currentThread().getName());
        Matcher subject = SUBJECT.matcher(message);
        if (subject.lookingAt()) {
            add(line, "sandboxId", subject.group(1));
            add(line, "processId", subject.group(2));
        }
        add(line, "message", message);
        if (record.getThrown() != null) {
            StringWriter trace = new StringWriter();
            record.getThrown().printStackTrace(new PrintWriter(trace));
            add(line, "exception", trace.toString().strip());
        }
        return line.append("}\n").toString();
    }

    private static String level(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) {
            return "error";
        }
        if (value >= Level.WARNING.intValue()) {
            return "warn";
        }
        return value >= Level.INFO.intValue() ? "info" : "debug";
    }

    private static void add(StringBuilder line, String name, @Nullable String value) {
        if (value == null || value.isEmpty()) {
            return;
        }
        line.append(line.length() > 1 ? "," : "").append('"').append(name).append("\":\"");
        value.codePoints().forEach(c -> append(line, c));
        line.append('"');
    }

    /** What could make a terminal show something else than is there is escaped, too. */
    private static void append(StringBuilder line, int c) {
        int type = Character.getType(c);
        if (c == '"' || c == '\\') {
            line.append('\\').append((char) c);
        } else if (c == '\n') {
            line.append("\\n");
        } else if (type == Character.SURROGATE) {
            // Half of a character is none, and no JSON.
            line.append('\ufffd');
        } else if (type == Character.CONTROL || type == Character.FORMAT || c == 0x2028 || c == 0x2029) {
            for (char unit : Character.toChars(c)) {
                line.append("\\u%04x".formatted((int) unit));
            }
        } else {
            line.appendCodePoint(c);
        }
    }
}
