package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** What came of a command. */
final class Result {
    private final List<String> command;
    private final int status;
    private final byte[] stdout;
    private final byte[] stderr;
    private final Duration took;

    /**
     * @param status exit status; 128+N when signal N ended the program itself
     * @param took time from its start to its end
     */
    Result(List<String> command, int status, byte[] stdout, byte[] stderr, Duration took) {
        this.command = command;
        this.status = status;
        this.stdout = stdout;
        this.stderr = stderr;
        this.took = took;
    }

    int status() {
        return status;
    }

    Duration took() {
        return took;
    }

    byte[] outBytes() {
        return stdout.clone();
    }

    byte[] errBytes() {
        return stderr.clone();
    }

    String out() {
        return new String(stdout, StandardCharsets.UTF_8);
    }

    String err() {
        return new String(stderr, StandardCharsets.UTF_8);
    }

    /** Returns standard output without the line feed at its end. */
    String line() {
        return out().strip();
    }

    /** Returns the JSON object on standard output. */
    JsonObject json() {
        return JsonParser.parseString(out()).getAsJsonObject();
    }

    /** Fails with all that is known unless the exit status is {@code expected}. */
    Result expect(int expected) {
        assertEquals(expected, status, this::toString);
        return this;
    }

    /** Fails unless standard error has a match for each expression, regardless of case. */
    Result expectStderr(String... expressions) {
        for (String expression : expressions) {
            assertTrue(
                    Pattern.compile(expression, Pattern.CASE_INSENSITIVE)
                            .matcher(err())
                            .find(),
                    () -> "stderr lacks /" + expression + "/: " + this);
        }
        // A stack trace is no message to a user.
        assertTrue(!err().contains("\tat "), this::toString);
        return this;
    }

    @Override
    public String toString() {
        return String.join(" ", command) + "\nexit status " + status + " after " + took + "\nstdout: " + shorten(stdout)
                + "\nstderr: " + shorten(stderr);
    }

    private static String shorten(byte[] output) {
        return output.length > 4000 ? output.length + " bytes" : new String(output, StandardCharsets.UTF_8);
    }
}
