package org.barchan.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Timestamp;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.barchan.testing.FakeAgent;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Watchers whose agent goes. */
@Timeout(60)
class EventsTest {
    private final FakeAgent agent;
    private final BarchanClient client;
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final List<WatchEventsRequest> asked = new CopyOnWriteArrayList<>();

    EventsTest(@TempDir Path directory) throws Exception {
        agent = new FakeAgent(directory);
        client = BarchanClient.connect(new AgentAccess(agent.socket(), Optional.empty()));
    }

    @AfterEach
    void close() {
        client.close();
        agent.close();
    }

    private final class Listener implements EventListener {
        @Override
        public void onEvent(org.barchan.client.Event event) {
            heard.add(event.sandboxName());
        }

        @Override
        public void onPosition(String cursor) {
            heard.add("at " + cursor);
        }

        @Override
        public void onIncomplete() {
            heard.add("incomplete");
        }
    }

    private static WatchEventsResponse position(String cursor) {
        return WatchEventsResponse.newBuilder().setCursor(cursor).build();
    }

    private static WatchEventsResponse event(String cursor, String name) {
        return WatchEventsResponse.newBuilder()
                .setCursor(cursor)
                .setEvent(Event.newBuilder()
                        .setType(EventType.EVENT_TYPE_SANDBOX_RUNNING)
                        .setSandboxName(name))
                .build();
    }

    @Test
    void agentThatGoes_isAskedForTheRest() throws Exception {
        agent.events((request, responses) -> {
            asked.add(request);
            switch (asked.size()) {
                case 1 -> responses.onNext(position("c0"));
                case 2 -> {
                    responses.onNext(position("c0"));
                    responses.onNext(event("c1", "one"));
                }
                default -> {
                    responses.onNext(position("c1"));
                    responses.onNext(event("c2", "two"));
                    responses.onCompleted();
                    return;
                }
            }
            responses.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        client.events(EventSpec.NEW.ofSandboxes(Set.of("box")), new Listener());

        assertEquals(List.of("at c0", "at c0", "one", "at c1", "two"), heard);
        WatchEventsRequest first = WatchEventsRequest.newBuilder()
                .setFollow(true)
                .addSandboxes("box")
                .build();
        assertEquals(
                List.of(
                        first,
                        first.toBuilder().setCursor("c0").build(),
                        first.toBuilder().setCursor("c1").build()),
                asked);
    }

    @Test
    void since_isAskedForAgain_untilThereIsAnEvent() throws Exception {
        agent.events((request, responses) -> {
            asked.add(request);
            responses.onNext(position("c0").toBuilder().setIncomplete(true).build());
            if (asked.size() < 2) {
                responses.onError(Status.UNAVAILABLE.asRuntimeException());
            } else {
                responses.onCompleted();
            }
        });
        client.events(EventSpec.KEPT.since(Instant.ofEpochSecond(7, 8)), new Listener());

        assertEquals(List.of("at c0", "incomplete", "at c0"), heard);
        WatchEventsRequest request = WatchEventsRequest.newBuilder()
                .setSince(Timestamp.newBuilder().setSeconds(7).setNanos(8))
                .build();
        assertEquals(List.of(request, request), asked);
    }

    @Test
    void cursorThatIsTooOld_andAListenerThatRefuses_areErrors() {
        agent.events((request, responses) -> {
            responses.onNext(event("c1", "one"));
            responses.onError(Status.OUT_OF_RANGE.withDescription("too old").asRuntimeException());
        });
        assertEquals(
                BarchanException.Code.OUT_OF_RANGE,
                assertThrows(BarchanException.class, () -> client.events(EventSpec.NEW.behind("c0"), new Listener()))
                        .code());
        assertThrows(
                UncheckedIOException.class,
                () -> client.events(EventSpec.NEW, event -> {
                    throw new IOException("full");
                }));
    }
}
