package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.barchan.client.BarchanException;
import org.barchan.client.RawText;

/** What Barchan itself says, on standard error. What it says may quote a sandbox, so that it is made safe for a terminal. */
final class Messages {
    private Messages() {}

    static void error(String message) {
        line("barchan: " + message);
    }

    static void error(BarchanException error) {
        String message = String.valueOf(error.getMessage());
        error(message);
        for (BarchanException.Violation violation : error.violations()) {
            if (!message.contains(violation.description())) {
                error("  " + violation.field() + ": " + violation.description());
            }
        }
    }

    static void warning(String message) {
        line("barchan: warning: " + message);
    }

    static void line(String text) {
        // A raw terminal does not go back to the left by itself.
        ByteBuffer bytes = ByteBuffer.wrap(bytes(text + (LocalTerminal.isRaw() ? "\r\n" : "\n")));
        if (StandardFiles.STDERR.isTerminal()) {
            bytes = ByteBuffer.wrap(new TerminalSanitizer().sanitize(bytes));
        }
        try {
            StandardFiles.STDERR.write(bytes);
        } catch (IOException e) {
            // There is nobody left to tell.
        }
    }

    /** Prints a result on standard output. */
    static void result(String text) throws BarchanException {
        ByteBuffer bytes = ByteBuffer.wrap(bytes(text));
        result(StandardFiles.STDOUT.isTerminal() ? ByteBuffer.wrap(new TerminalSanitizer().sanitize(bytes)) : bytes);
    }

    /** Writes a result to standard output as it is. */
    static void result(ByteBuffer bytes) throws BarchanException {
        try {
            StandardFiles.STDOUT.write(bytes);
        } catch (IOException e) {
            Signals.exit(statusOfLost(StandardFiles.STDOUT, e));
        }
    }

    /**
     * Returns the status of a program whose reader has had enough, as with any that SIGPIPE ends.
     *
     * @throws BarchanException when a write has failed for another reason, such as a full disk
     */
    static int statusOfLost(StandardFiles.Output stdout, IOException e) throws BarchanException {
        if (stdout.leadsToReader()) {
            return ExitStatus.ofSignal(Signals.SIGPIPE);
        }
        throw new BarchanException(
                BarchanException.Code.PRECONDITION, "can't write to standard output: " + e.getMessage(), e);
    }

    private static byte[] bytes(String text) {
        try {
            return RawText.encode(text);
        } catch (IllegalArgumentException e) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
    }
}
