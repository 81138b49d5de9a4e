package org.barchan.cli;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.DurationConverter;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.LogListener;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan logs}. */
@Command(
        name = "logs",
        description = {
            "Print what a command has written, what it wrote to standard error on standard error.",
            "It is kept of commands that were started with --keep or --detach, until their sandbox is deleted."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "JSON: a line for each piece: {time, kind: started}, {time, kind: output, stream: stdout|stderr,",
            "offset, bytes, encoding: utf-8|base64, data}, {kind: gap, stream, offset, bytes} for what is not kept",
            "any more, {time, kind: terminated, termination} as 'barchan run --help' describes it."
        })
final class LogsVerb implements Callable<Integer> {
    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the command has ended, with the next agent when the agent goes.")
    private boolean follow;

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description =
                    "Only what came then or later: a time like 2026-01-31T12:00:00Z, or how long ago: seconds, or with the unit s, m, h or d.")
    private @Nullable String since;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Parameters(paramLabel = "NAME", description = ProcessNames.DESCRIPTION)
    private String name = "";

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        Optional<Instant> from = Optional.ofNullable(since).map(text -> time("--since", text));
        Printer printer = output.json() ? new JsonPrinter() : new TextPrinter();
        Caller caller = Caller.current();
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            client.readLog(name, follow, from, printer);
            printer.end();
            return ExitStatus.OK;
        } catch (UncheckedIOException e) {
            return Messages.statusOfLost(StandardFiles.STDOUT, Objects.requireNonNull(e.getCause()));
        }
    }

    /** Returns a time, which may be given by how long ago it is. */
    static Instant time(String option, String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            try {
                Duration ago = new DurationConverter().convert(text);
                return Instant.now().minus(ago);
            } catch (RuntimeException noDuration) {
                throw new IllegalArgumentException(
                        "invalid value for option '" + option + "': '" + text
                                + "' (expected: a time like 2026-01-31T12:00:00Z, or a duration like 10m)",
                        noDuration);
            }
        }
    }

    private interface Printer extends LogListener {
        void end() throws BarchanException;
    }

    private static final class TextPrinter implements Printer {
        private final StreamRelay relay = new StreamRelay(false, () -> {}, () -> {});

        @Override
        public void onOutput(Instant time, StandardStream stream, long offset, ByteBuffer bytes) throws IOException {
            relay.output(stream, bytes);
            if (relay.readerGone()) {
                throw new IOException("nobody reads any more");
            }
        }

        @Override
        public void onGap(StandardStream stream, long offset, long bytes) {
            Messages.warning(bytes + " bytes of standard " + (stream == StandardStream.STDERR ? "error" : "output")
                    + " from byte " + offset + " on are not kept any more (--log-limit of barchan run)");
        }

        @Override
        public void end() {
            relay.end();
        }
    }

    private static final class JsonPrinter implements Printer {
        private static void line(JsonObject json) throws IOException {
            StandardFiles.STDOUT.write(ByteBuffer.wrap((json + "\n").getBytes(StandardCharsets.UTF_8)));
        }

        private static JsonObject entry(String kind) {
            JsonObject json = new JsonObject();
            json.addProperty("kind", kind);
            return json;
        }

        private static JsonObject entry(String kind, Instant time) {
            JsonObject json = entry(kind);
            json.addProperty("time", time.toString());
            return json;
        }

        @Override
        public void onStarted(Instant time) {
            print(entry("started", time));
        }

        private static void print(JsonObject json) {
            try {
                line(json);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void onOutput(Instant time, StandardStream stream, long offset, ByteBuffer bytes) throws IOException {
            JsonObject json = entry("output", time);
            json.addProperty("stream", JsonReport.lower(stream));
            json.addProperty("offset", offset);
            json.addProperty("bytes", bytes.remaining());
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            JsonReport.addData(json, copy);
            line(json);
        }

        @Override
        public void onGap(StandardStream stream, long offset, long bytes) {
            JsonObject json = entry("gap");
            json.addProperty("stream", JsonReport.lower(stream));
            json.addProperty("offset", offset);
            json.addProperty("bytes", bytes);
            print(json);
        }

        @Override
        public void onTerminated(Instant time, Termination termination) {
            JsonObject json = entry("terminated", time);
            json.add("termination", JsonReport.json(termination));
            print(json);
        }

        @Override
        public void end() {}
    }
}
