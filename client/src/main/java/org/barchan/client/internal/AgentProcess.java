package org.barchan.client.internal;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.barchan.client.AgentAccess.AgentStart;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;

/** Starts an agent that outlives this process. */
final class AgentProcess {
    private static final int KEPT_ERROR_BYTES = 16 * 1024;

    /** What of this process's environment an agent gets: where things are, and nothing that may be secret. */
    private static final Pattern PASSED_ON = Pattern.compile(
            "PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|JAVA_HOME|XDG_.*_(HOME|DIR)|BARCHAN_.*|LIBVIRT_.*");

    private AgentProcess() {}

    /** Returns when the agent listens. */
    static void start(AgentStart start) throws BarchanException {
        if (!Files.isExecutable(start.launcher())) {
            throw new BarchanException(
                    Code.PRECONDITION,
                    "can't start an agent: " + start.launcher()
                            + " is no executable file; BARCHAN_HOME must be Barchan's installation");
        }
        Process process = spawn(start);
        CompletableFuture<String> errors = read(process.getErrorStream(), "barchan-agent-errors");
        try {
            boolean ready = isReady(process).get(start.deadline().toNanos(), TimeUnit.NANOSECONDS);
            if (!ready) {
                throw failed(start, "", errors);
            }
        } catch (TimeoutException e) {
            process.destroyForcibly();
            throw failed(start, " within " + start.deadline().toSeconds() + " s", errors);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new BarchanException(Code.CANCELLED, "interrupted while an agent starts", e);
        } catch (ExecutionException e) {
            process.destroyForcibly();
            throw new BarchanException(Code.INTERNAL, "reading the agent's output: " + e.getCause(), e);
        }
    }

    private static Process spawn(AgentStart start) throws BarchanException {
        // A client may block or ignore these, as the barchan command does; an agent must be open to them.
        ProcessBuilder builder = new ProcessBuilder(
                        "env",
                        "--default-signal=HUP,INT,QUIT,TERM,CONT,WINCH",
                        "setsid",
                        start.launcher().toString())
                .directory(new File("/"))
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(name -> !PASSED_ON.matcher(name).matches());
        environment.put("BARCHAN_RUNTIME_DIR", start.runtimeDirectory().toString());
        try {
            return builder.start();
        } catch (IOException e) {
            throw new BarchanException(Code.PRECONDITION, "can't start " + start.launcher() + ": " + e.getMessage(), e);
        }
    }

    private static CompletableFuture<Boolean> isReady(Process process) {
        CompletableFuture<Boolean> ready = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("barchan-agent-ready").start(() -> {
            try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                String line = out.readLine();
                while (line != null && !line.equals("ready")) {
                    line = out.readLine();
                }
                ready.complete(line != null);
            } catch (IOException e) {
                ready.completeExceptionally(e);
            }
        });
        return ready;
    }

    private static CompletableFuture<String> read(InputStream in, String thread) {
        CompletableFuture<String> text = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name(thread).start(() -> {
            try (in) {
                text.complete(new String(in.readNBytes(KEPT_ERROR_BYTES), StandardCharsets.UTF_8).strip());
            } catch (IOException e) {
                text.complete("(its messages can't be read: " + e.getMessage() + ")");
            }
        });
        return text;
    }

    private static BarchanException failed(AgentStart start, String when, CompletableFuture<String> errors) {
        String said = errors.completeOnTimeout("", 2, TimeUnit.SECONDS).join();
        return new BarchanException(
                !when.isEmpty() ? Code.TIMEOUT : said.isEmpty() ? Code.UNAVAILABLE : Code.PRECONDITION,
                "the agent " + start.launcher() + " did not start" + when
                        + (said.isEmpty() ? " and gave no reason" : ":\n" + said));
    }
}
