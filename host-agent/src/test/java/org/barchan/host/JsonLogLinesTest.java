package org.barchan.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class JsonLogLinesTest {
    private static String format(Level level, String message) {
        LogRecord record = new LogRecord(level, message);
        record.setLoggerName("org.barchan.host.lifecycle.Run");
        record.setInstant(Instant.parse("2026-01-31T12:00:00.123Z"));
        return format(record);
    }

    private static String format(LogRecord record) {
        String line = new JsonLogLines().format(record);
        assertEquals(line.length() - 1, line.indexOf('\n'), "one line");
        return line.strip();
    }

    @Test
    void record_isOneObject() {
        assertEquals(
                "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"info\",\"logger\":\"org.barchan.host.lifecycle.Run\",\"thread\":\""
                        + Thread.currentThread().getName()
                        + "\",\"sandboxId\":\"b-3k7q9x2m4wzt\",\"message\":\"b-3k7q9x2m4wzt: paused\"}",
                format(Level.INFO, "b-3k7q9x2m4wzt: paused"));
    }

    @ParameterizedTest
    @CsvSource({
        "b-3k7q9x2m4wzt/job-1.a: process ended, '\"sandboxId\":\"b-3k7q9x2m4wzt\",\"processId\":\"job-1.a\",\"message\"'",
        "sandbox b-3k7q9x2m4wzt: link closed, '\"sandboxId\":\"b-3k7q9x2m4wzt\",\"message\"'",
        "b-3k7q9x2m4wztx: another, '\"thread\":\"main\",\"message\"'",
        "the agent stops, '\"thread\":\"main\",\"message\"'"
    })
    void subject_isAMemberOfItsOwn(String message, String expected) {
        String line =
                format(Level.WARNING, message).replace(Thread.currentThread().getName(), "main");
        assertTrue(line.contains(expected), line);
        assertTrue(line.contains("\"level\":\"warn\""), line);
    }

    @Test
    void textOfGuests_staysInItsString() {
        String line =
                format(Level.SEVERE, "b-3k7q9x2m4wzt: said \"\\\n\u001b[2J\u0085\u202e\ud800 \ud83d\ude00\",\"a\":\"b");

        assertTrue(
                line.endsWith("said \\\"\\\\\\n\\u001b[2J\\u0085\\u202e\ufffd \ud83d\ude00\\\",\\\"a\\\":\\\"b\"}"),
                line);
        assertTrue(line.contains("\"level\":\"error\""), line);
    }

    @Test
    void exception_isThereWithItsTrace() {
        LogRecord record = new LogRecord(Level.FINE, "failed");
        record.setThrown(new IllegalStateException("no\nway"));

        String line = format(record);
        assertTrue(
                line.contains("\"message\":\"failed\",\"exception\":\"java.lang.IllegalStateException: no\\nway\\n"),
                line);
        assertTrue(line.contains("\\u0009at org.barchan.host.JsonLogLinesTest."), line);
        assertTrue(line.contains("\"level\":\"debug\""), line);
    }
}
