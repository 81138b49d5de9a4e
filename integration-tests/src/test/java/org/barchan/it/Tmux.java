package org.barchan.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program on a terminal of tmux(1), with 33 rows and 77 columns at first. */
final class Tmux implements AutoCloseable {
    private static final long LOOK_MILLIS = 50;

    private final Path socket;

    /**
     * Starts a shell script.
     *
     * @param directory where tmux may have its socket
     * @param program the arguments of the script, and its environment
     */
    Tmux(Path directory, String script, ProcessBuilder program) {
        socket = directory.resolve("tmux");
        List<String> command = new ArrayList<>(List.of(
                "tmux", "-S", socket.toString(), "-f", "/dev/null", "new-session", "-d", "-x", "77", "-y", "33"));
        // The window keeps its size without a client.
        command.addAll(List.of("sh", "-c", script, "sh"));
        command.addAll(program.command());
        program.environment().put("TERM", "xterm");
        program.environment().put("LC_ALL", "C.UTF-8");
        run(program.command(command));
    }

    /** Types text; {@code \n} is the return key. */
    Tmux type(String text) {
        call("send-keys", "-l", text.replace('\n', '\r'));
        return this;
    }

    /** Presses a key that has a name: C-c. */
    Tmux key(String name) {
        call("send-keys", name);
        return this;
    }

    void resize(int rows, int columns) {
        call("resize-window", "-x", Integer.toString(columns), "-y", Integer.toString(rows));
    }

    /** Returns when the screen shows a text. */
    Tmux await(String text) {
        long deadline = System.nanoTime() + Barchan.DEADLINE.toNanos();
        String screen = call("capture-pane", "-p");
        while (!screen.contains(text)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no '" + text + "' on the screen:\n" + screen);
            }
            try {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            screen = call("capture-pane", "-p");
        }
        return this;
    }

    private String call(String... arguments) {
        List<String> command = new ArrayList<>(List.of("tmux", "-S", socket.toString()));
        command.addAll(List.of(arguments));
        return run(new ProcessBuilder(command));
    }

    private static String run(ProcessBuilder builder) {
        try {
            Process process = builder.redirectErrorStream(true).start();
            process.getOutputStream().close();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(builder.command() + " failed: " + out);
            }
            return out;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Ends the program with its terminal. */
    @Override
    public void close() {
        call("kill-server");
    }
}
