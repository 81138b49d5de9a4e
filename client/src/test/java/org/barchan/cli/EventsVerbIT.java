package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import com.google.protobuf.Timestamp;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.barchan.testing.FakeAgent;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.barchan.v1.Lost;
import org.barchan.v1.PublishedPort;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code barchan events} as a process. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class EventsVerbIT {
    private static final List<WatchEventsResponse> EVENTS = List.of(
            WatchEventsResponse.newBuilder()
                    .setCursor("01234567-0")
                    .setIncomplete(true)
                    .build(),
            response(
                    "01234567-1",
                    event(EventType.EVENT_TYPE_SANDBOX_CREATED)
                            .addPublishedPorts(PublishedPort.newBuilder()
                                    .setAddress("127.0.0.1")
                                    .setHostPort(8080)
                                    .setPort(80))),
            response(
                    "01234567-2",
                    event(EventType.EVENT_TYPE_PROCESS_ENDED)
                            .setProcessId("job")
                            .setTermination(Termination.newBuilder()
                                    .setExitCode(3)
                                    .setCause(TerminationCause.TERMINATION_CAUSE_EXITED))),
            response(
                    "01234567-3",
                    event(EventType.EVENT_TYPE_SANDBOX_ENDED)
                            .setTermination(Termination.newBuilder()
                                    .setLost(Lost.newBuilder().setReason("it is\ngone\u001b[2J"))
                                    .setCause(TerminationCause.TERMINATION_CAUSE_VMM_CRASH))),
            response("01234567-4", event(EventType.EVENT_TYPE_SANDBOX_RENAMED).setOldName("old")),
            response(
                    "01234567-5",
                    Event.newBuilder()
                            .setType(EventType.EVENT_TYPE_EVENTS_LOST)
                            .setTime(Timestamp.newBuilder().setSeconds(2))));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    private final List<WatchEventsRequest> asked = new CopyOnWriteArrayList<>();

    private static Event.Builder event(EventType type) {
        return Event.newBuilder()
                .setType(type)
                .setTime(Timestamp.newBuilder().setSeconds(1))
                .setSandboxId("b-3k7q9x2m4wzt")
                .setSandboxName("web");
    }

    private static WatchEventsResponse response(String cursor, Event.Builder event) {
        return WatchEventsResponse.newBuilder()
                .setCursor(cursor)
                .setEvent(event)
                .build();
    }

    private FakeAgent agent() throws Exception {
        return new FakeAgent(directory).events((request, responses) -> {
            asked.add(request);
            EVENTS.forEach(responses::onNext);
            responses.onCompleted();
        });
    }

    private static Command.Result run(FakeAgent agent, String... arguments) throws Exception {
        Map<String, String> environment =
                Map.of("BARCHAN_ADDRESS", agent.socket().toString());
        try (Command command = Command.start(environment, arguments)) {
            command.process().getOutputStream().close();
            return command.end();
        }
    }

    @Test
    void text_isALineForEach() throws Exception {
        try (FakeAgent agent = agent()) {
            Command.Result result = run(
                    agent,
                    "events",
                    "--no-follow",
                    "--since",
                    "01234567-0",
                    "--until",
                    "2026-01-31T12:00:00Z",
                    "--filter",
                    "sandbox=web",
                    "--filter",
                    "type=sandbox_ended");

            assertEquals(0, result.status());
            assertEquals("""
                    1970-01-01T00:00:01Z sandbox created b-3k7q9x2m4wzt (name=web, publish=127.0.0.1:8080:80)
                    1970-01-01T00:00:01Z process ended b-3k7q9x2m4wzt/job (name=web, exitCode=3, cause=exited)
                    1970-01-01T00:00:01Z sandbox ended b-3k7q9x2m4wzt (name=web, cause=vmm_crash, reason=it is gone [2J)
                    1970-01-01T00:00:01Z sandbox renamed b-3k7q9x2m4wzt (name=web, oldName=old)
                    1970-01-01T00:00:02Z events lost
                    """, result.out());
            assertEquals("barchan: warning: events from then on are not kept any more\n", result.err());
        }
        assertEquals(
                List.of(WatchEventsRequest.newBuilder()
                        .setCursor("01234567-0")
                        .setUntil(Timestamp.newBuilder().setSeconds(1_769_860_800))
                        .addSandboxes("web")
                        .addTypes(EventType.EVENT_TYPE_SANDBOX_ENDED)
                        .build()),
                asked);
    }

    @Test
    void json_isAnObjectForEach() throws Exception {
        try (FakeAgent agent = agent()) {
            List<String> lines =
                    run(agent, "events", "--output", "json").out().lines().toList();

            assertEquals(5, lines.size());
            assertEquals(
                    JsonParser.parseString(
                            "{cursor: '01234567-4', time: '1970-01-01T00:00:01Z', type: 'sandbox_renamed',"
                                    + " sandboxId: 'b-3k7q9x2m4wzt', sandboxName: 'web', oldName: 'old'}"),
                    JsonParser.parseString(lines.get(3)));
            assertEquals(
                    JsonParser.parseString(
                            "{cursor: '01234567-1', time: '1970-01-01T00:00:01Z', type: 'sandbox_created',"
                                    + " sandboxId: 'b-3k7q9x2m4wzt', sandboxName: 'web',"
                                    + " publishedPorts: [{address: '127.0.0.1', hostPort: 8080, port: 80, protocol: 'tcp'}]}"),
                    JsonParser.parseString(lines.getFirst()));
            assertEquals(
                    JsonParser.parseString("{cursor: '01234567-5', time: '1970-01-01T00:00:02Z', type: 'events_lost'}"),
                    JsonParser.parseString(lines.getLast()));
        }
        assertEquals(List.of(WatchEventsRequest.newBuilder().setFollow(true).build()), asked);
    }

    @Test
    void fullDisk_isAnError_andAReaderThatGoesIsNone() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory).events((request, responses) -> {
            for (int i = 0; i < 10_000; i++) {
                EVENTS.forEach(responses::onNext);
            }
            responses.onCompleted();
        })) {
            Map<String, String> environment =
                    Map.of("BARCHAN_ADDRESS", agent.socket().toString());
            Command.Result full =
                    Command.shell(environment, "\"$0\" events >/dev/full").end();
            assertEquals(125, full.status());
            assertTrue(full.err().contains("can't write to standard output: No space left"), full.err());

            Command.Result gone = Command.shell(environment, "\"$0\" events | head -1; echo ${PIPESTATUS[0]}")
                    .end();
            assertTrue(gone.out().endsWith("\n141\n"), gone.out() + gone.err());
        }
    }

    @Test
    void cursorWhoseEventsAreGone_isAnError() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)
                .events((request, responses) -> responses.onError(Status.OUT_OF_RANGE
                        .withDescription("cursor: it is gone")
                        .asRuntimeException()))) {
            Command.Result result = run(agent, "events", "--since", "01234567-9");

            assertEquals(125, result.status());
            assertEquals("barchan: cursor: it is gone\n", result.err());
        }
    }
}
