package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import org.barchan.client.BarchanException;
import org.barchan.client.Capture;
import org.barchan.client.ProgressLevel;
import org.barchan.client.PublishedPort;
import org.barchan.client.Sandbox;
import org.barchan.client.SandboxProcess;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;

/** Collects a run into the one JSON object that {@code barchan run --help} describes. */
final class JsonReport implements RunOutput {
    private static final int KEPT_BYTES = 16 << 20;
    private static final int KEPT_MESSAGES = 1000;
    private static final double NANOS_PER_SECOND = 1e9;

    private final Capture stdout = new Capture(KEPT_BYTES);
    private final Capture stderr = new Capture(KEPT_BYTES);
    private final JsonArray messages = new JsonArray();
    private final long begin = System.nanoTime();
    private long start;
    private @Nullable Sandbox sandbox;
    private String process = "";

    @Override
    public void sandbox(Sandbox seen) {
        sandbox = seen;
    }

    @Override
    public void progress(ProgressLevel level, String message) {
        if (messages.size() < KEPT_MESSAGES) {
            JsonObject json = new JsonObject();
            json.addProperty("level", lower(level));
            json.addProperty("message", message);
            messages.add(json);
        }
    }

    @Override
    public void started() {
        start = System.nanoTime();
    }

    @Override
    public void detached(String name) {
        process = name;
    }

    @Override
    public void output(StandardStream stream, ByteBuffer bytes) {
        switch (stream) {
            case STDOUT -> stdout.append(bytes);
            case STDERR -> stderr.append(bytes);
        }
    }

    @Override
    public boolean readerGone() {
        return false;
    }

    @Override
    public int finish(Termination termination, int status) throws BarchanException {
        JsonObject report = new JsonObject();
        report.addProperty("exitStatus", status);
        report.add("termination", json(termination));
        return print(report, status);
    }

    @Override
    public int fail(BarchanException error, int status) throws BarchanException {
        JsonObject json = new JsonObject();
        json.addProperty("code", lower(error.code()));
        json.addProperty("message", error.getMessage());
        JsonArray violations = new JsonArray();
        for (BarchanException.Violation violation : error.violations()) {
            JsonObject one = new JsonObject();
            one.addProperty("field", violation.field());
            one.addProperty("description", violation.description());
            violations.add(one);
        }
        json.add("violations", violations);
        JsonObject report = new JsonObject();
        report.addProperty("exitStatus", status);
        report.add("error", json);
        return print(report, status);
    }

    private int print(JsonObject report, int status) throws BarchanException {
        report.add("stdout", json(stdout));
        report.add("stderr", json(stderr));
        if (sandbox != null) {
            report.add("sandbox", json(sandbox));
        }
        if (!process.isEmpty()) {
            report.addProperty("process", process);
        }
        report.add("messages", messages);
        long end = System.nanoTime();
        JsonObject durations = new JsonObject();
        if (start != 0) {
            durations.addProperty("start", (start - begin) / NANOS_PER_SECOND);
            durations.addProperty("run", (end - start) / NANOS_PER_SECOND);
        }
        durations.addProperty("total", (end - begin) / NANOS_PER_SECOND);
        report.add("durations", durations);
        Messages.result(report + "\n");
        return status;
    }

    static JsonObject json(Termination termination) {
        JsonObject json = new JsonObject();
        switch (termination.result()) {
            case Termination.Exited(int code) -> {
                json.addProperty("kind", "exited");
                json.addProperty("exitCode", code);
            }
            case Termination.Signalled(int signal) -> {
                json.addProperty("kind", "signalled");
                json.addProperty("signal", signal);
            }
            case Termination.NotStarted notStarted -> {
                json.addProperty("kind", "not_started");
                json.addProperty("step", lower(notStarted.step()));
                json.addProperty("errno", notStarted.errno());
                json.addProperty("message", notStarted.message());
            }
            case Termination.Detached _ -> json.addProperty("kind", "detached");
            case Termination.Lost(String reason) -> {
                json.addProperty("kind", "lost");
                json.addProperty("message", reason);
            }
        }
        json.addProperty("cause", lower(termination.cause()));
        json.addProperty("outputAbandoned", termination.outputAbandoned());
        return json;
    }

    private static JsonObject json(Capture capture) {
        JsonObject json = new JsonObject();
        json.addProperty("bytes", capture.total());
        addData(json, capture.bytes());
        json.addProperty("truncated", capture.truncated());
        return json;
    }

    /** Adds bytes, as text where they are. */
    static void addData(JsonObject json, byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            json.addProperty("encoding", "utf-8");
            json.addProperty("data", text);
        } catch (CharacterCodingException e) {
            json.addProperty("encoding", "base64");
            json.addProperty("data", Base64.getEncoder().encodeToString(bytes));
        }
    }

    static JsonObject json(Sandbox sandbox) {
        JsonObject json = new JsonObject();
        json.addProperty("id", sandbox.id());
        json.addProperty("name", sandbox.name());
        json.addProperty("state", lower(sandbox.state()));
        json.addProperty("accelerator", lower(sandbox.accelerator()));
        json.addProperty("isolation", lower(sandbox.isolation()));
        json.addProperty("kernelRelease", sandbox.kernelRelease());
        json.addProperty("createTime", sandbox.createTime().toString());
        json.addProperty("bootId", sandbox.bootId());
        json.addProperty("linkEpochs", sandbox.linkEpochs());
        json.addProperty("clientLostPolicy", lower(sandbox.clientLostPolicy()));
        sandbox.command().ifPresent(command -> add(json, command));
        if (!sandbox.publishedPorts().isEmpty()) {
            JsonArray ports = new JsonArray();
            sandbox.publishedPorts().forEach(port -> ports.add(json(port)));
            json.add("publishedPorts", ports);
        }
        sandbox.maxLifetime().ifPresent(limit -> json.addProperty("maxLifetimeSeconds", seconds(limit)));
        sandbox.idleTimeout().ifPresent(limit -> json.addProperty("idleTimeoutSeconds", seconds(limit)));
        if (!sandbox.labels().isEmpty()) {
            JsonObject labels = new JsonObject();
            sandbox.labels().forEach(labels::addProperty);
            json.add("labels", labels);
        }
        sandbox.end().ifPresent(end -> add(json, end));
        return json;
    }

    static JsonObject json(PublishedPort port) {
        JsonObject json = new JsonObject();
        json.addProperty("address", port.address());
        json.addProperty("hostPort", port.hostPort());
        json.addProperty("port", port.port());
        json.addProperty("protocol", lower(port.protocol()));
        return json;
    }

    private static double seconds(Duration time) {
        return time.toNanos() / NANOS_PER_SECOND;
    }

    static JsonObject json(SandboxProcess process) {
        JsonObject json = new JsonObject();
        json.addProperty("id", process.id());
        json.addProperty("createTime", process.createTime().toString());
        add(json, process.command());
        process.end().ifPresent(end -> add(json, end));
        return json;
    }

    private static void add(JsonObject json, Sandbox.Command command) {
        JsonArray words = new JsonArray();
        command.words().forEach(words::add);
        json.add("command", words);
        json.addProperty("tty", command.terminal());
    }

    private static void add(JsonObject json, Sandbox.End end) {
        json.add("termination", json(end.termination()));
        json.addProperty("endTime", end.time().toString());
    }

    static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
