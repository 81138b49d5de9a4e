package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Event;
import org.barchan.client.EventListener;
import org.barchan.client.EventSpec;
import org.barchan.client.EventType;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code barchan events}. */
@Command(
        name = "events",
        description = {
            "Print what happens to sandboxes and to the commands beside their own, a line for each event.",
            "Goes on until it is interrupted, with the next agent when the agent goes."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED, "130:It was interrupted."},
        footer = {
            "",
            "JSON: a line for each event: {cursor, time, type, sandboxId, sandboxName, oldName, processId, termination,",
            "reason, publishedPorts}, of these what there is; termination as 'barchan run --help' describes it."
        })
final class EventsVerb implements Callable<Integer> {
    private static final Pattern CURSOR = Pattern.compile("[0-9a-f]{8}-[0-9]{1,18}");

    @Option(
            names = "--since",
            paramLabel = "WHEN",
            description = {
                "Also what happened before: since a time like 2026-01-31T12:00:00Z, or how long ago it was: seconds, or with",
                "the unit s, m, h or d; or behind the event that had a cursor, as --output json shows it."
            })
    private @Nullable String since;

    @Option(
            names = "--until",
            paramLabel = "TIME",
            description = "End before what happened then or later: a time, as for --since.")
    private @Nullable String until;

    @Option(
            names = "--filter",
            paramLabel = "KEY=VALUE",
            description = {
                "Only events of a sandbox, by sandbox=NAME or its id, or only of a kind, by type=TYPE, such as sandbox_ended.",
                "Several values of a key: any of them; both keys: both."
            })
    private List<String> filters = new ArrayList<>();

    @Option(
            names = "--no-follow",
            description = "End where the events end now. Without --since, print all that are kept.")
    private boolean noFollow;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        EventSpec spec = spec();
        Caller caller = Caller.current();
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            client.events(spec, new Printer(output.json()));
            return ExitStatus.OK;
        } catch (UncheckedIOException e) {
            return Messages.statusOfLost(StandardFiles.STDOUT, Objects.requireNonNull(e.getCause()));
        }
    }

    private EventSpec spec() {
        EventSpec spec = noFollow ? EventSpec.KEPT : EventSpec.NEW;
        if (since != null) {
            spec = CURSOR.matcher(since).matches() ? spec.behind(since) : spec.since(LogsVerb.time("--since", since));
        }
        if (until != null) {
            spec = spec.until(LogsVerb.time("--until", until));
        }
        Set<String> sandboxes = new HashSet<>();
        Set<EventType> types = new HashSet<>();
        for (String filter : filters) {
            int equals = filter.indexOf('=');
            String value = filter.substring(equals + 1);
            switch (equals < 0 || value.isEmpty() ? "" : filter.substring(0, equals)) {
                case "sandbox" -> sandboxes.add(value);
                case "type" -> types.add(type(value));
                default -> throw invalid(filter, "sandbox=NAME or type=TYPE");
            }
        }
        return spec.ofSandboxes(sandboxes).ofTypes(types);
    }

    private static EventType type(String text) {
        return Arrays.stream(EventType.values())
                .filter(type ->
                        type != EventType.UNKNOWN && JsonReport.lower(type).equals(text))
                .findFirst()
                .orElseThrow(() -> invalid(
                        "type=" + text,
                        Arrays.stream(EventType.values())
                                .filter(type -> type != EventType.UNKNOWN)
                                .map(JsonReport::lower)
                                .collect(Collectors.joining(", "))));
    }

    private static IllegalArgumentException invalid(String filter, String expected) {
        return new IllegalArgumentException(
                "invalid value for option '--filter': '" + filter + "' (expected: " + expected + ")");
    }

    private record Printer(boolean json) implements EventListener {
        @Override
        public void onEvent(Event event) throws IOException {
            byte[] line = ((json ? json(event) : text(event)) + "\n").getBytes(StandardCharsets.UTF_8);
            ByteBuffer bytes = ByteBuffer.wrap(line);
            StandardFiles.STDOUT.write(
                    StandardFiles.STDOUT.isTerminal()
                            ? ByteBuffer.wrap(new TerminalSanitizer().sanitize(bytes))
                            : bytes);
        }

        @Override
        public void onIncomplete() {
            Messages.warning("events from then on are not kept any more");
        }

        /** As podman and docker have it: when, what, whose, and what else there is to say. */
        private static String text(Event event) {
            List<String> details = new ArrayList<>();
            if (!event.sandboxName().isEmpty()) {
                details.add("name=" + event.sandboxName());
            }
            if (!event.oldName().isEmpty()) {
                details.add("oldName=" + event.oldName());
            }
            event.termination().ifPresent(end -> details.add(text(end)));
            if (!event.reason().isEmpty()) {
                details.add("reason=" + event.reason());
            }
            event.publishedPorts()
                    .forEach(port ->
                            details.add("publish=" + port.address() + ":" + port.hostPort() + ":" + port.port()));
            String line = event.time() + " "
                    + event.type().name().toLowerCase(Locale.ROOT).replace('_', ' ')
                    + (event.sandboxId().isEmpty() ? "" : " " + event.sandboxId())
                    + (event.processId().isEmpty() ? "" : "/" + event.processId())
                    + (details.isEmpty() ? "" : " (" + String.join(", ", details) + ")");
            // In one line, whatever it quotes.
            return line.replaceAll("\\p{Cntrl}+", " ");
        }

        private static String text(Termination end) {
            String cause = "cause=" + JsonReport.lower(end.cause());
            return switch (end.result()) {
                case Termination.Exited(int code) -> "exitCode=" + code + ", " + cause;
                case Termination.Signalled(int signal) -> "signal=" + signal + ", " + cause;
                case Termination.NotStarted notStarted -> cause + ", reason=" + notStarted.message();
                case Termination.Lost(String reason) -> cause + ", reason=" + reason;
                case Termination.Detached _ -> cause;
            };
        }

        private static JsonObject json(Event event) {
            JsonObject json = new JsonObject();
            json.addProperty("cursor", event.cursor());
            json.addProperty("time", event.time().toString());
            json.addProperty("type", JsonReport.lower(event.type()));
            addText(json, "sandboxId", event.sandboxId());
            addText(json, "sandboxName", event.sandboxName());
            addText(json, "oldName", event.oldName());
            addText(json, "processId", event.processId());
            event.termination().ifPresent(end -> json.add("termination", JsonReport.json(end)));
            addText(json, "reason", event.reason());
            if (!event.publishedPorts().isEmpty()) {
                JsonArray ports = new JsonArray();
                event.publishedPorts().forEach(port -> ports.add(JsonReport.json(port)));
                json.add("publishedPorts", ports);
            }
            return json;
        }

        private static void addText(JsonObject json, String name, String text) {
            if (!text.isEmpty()) {
                json.addProperty(name, text);
            }
        }
    }
}
