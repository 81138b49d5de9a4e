package org.barchan.host.api;

import com.google.protobuf.Timestamp;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.barchan.host.lifecycle.EventCursor;
import org.barchan.host.lifecycle.EventOrder;
import org.barchan.host.lifecycle.Events;
import org.barchan.v1.Event;
import org.barchan.v1.EventServiceGrpc;
import org.barchan.v1.EventType;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;

/** {@code EventService}. */
final class EventEndpoint extends EventServiceGrpc.EventServiceImplBase {
    private static final int MAX_SANDBOXES = 100;
    /** Of a timestamp, as its definition has it. */
    private static final long MIN_SECONDS = -62_135_596_800L;

    private static final long MAX_SECONDS = 253_402_300_799L;

    private final Events events;

    EventEndpoint(Events events) {
        this.events = events;
    }

    @Override
    public void watchEvents(WatchEventsRequest request, StreamObserver<WatchEventsResponse> responses) {
        List<StatusMapping.Violation> violations = new ArrayList<>();
        EventOrder order = parse(request, violations);
        if (!violations.isEmpty()) {
            responses.onError(StatusMapping.of(violations));
            return;
        }
        PacedResponses.answer(
                responses,
                paced -> events.watch(order, new Events.Taker() {
                    @Override
                    public void position(EventCursor cursor, boolean incomplete)
                            throws IOException, InterruptedException {
                        paced.send(WatchEventsResponse.newBuilder()
                                .setCursor(cursor.toString())
                                .setIncomplete(incomplete)
                                .build());
                    }

                    @Override
                    public void event(Event event, EventCursor behind) throws IOException, InterruptedException {
                        paced.send(WatchEventsResponse.newBuilder()
                                .setCursor(behind.toString())
                                .setEvent(event)
                                .build());
                    }
                }));
    }

    private static EventOrder parse(WatchEventsRequest request, List<StatusMapping.Violation> violations) {
        if (request.getSandboxesCount() > MAX_SANDBOXES) {
            violations.add(new StatusMapping.Violation(
                    "sandboxes", request.getSandboxesCount() + " (expected: at most " + MAX_SANDBOXES + ")"));
        }
        for (int i = 0; i < request.getTypesCount(); i++) {
            EventType type = request.getTypes(i);
            if (type == EventType.UNRECOGNIZED || type == EventType.EVENT_TYPE_UNSPECIFIED) {
                violations.add(new StatusMapping.Violation(
                        "types[" + i + "]", request.getTypesValue(i) + " (expected: a type of events)"));
            }
        }
        return new EventOrder(
                start(request, violations),
                request.getFollow(),
                request.hasUntil() ? Optional.of(time("until", request.getUntil(), violations)) : Optional.empty(),
                new HashSet<>(request.getSandboxesList()),
                new HashSet<>(request.getTypesList()));
    }

    private static EventOrder.Start start(WatchEventsRequest request, List<StatusMapping.Violation> violations) {
        return switch (request.getStartCase()) {
            case CURSOR -> {
                try {
                    yield new EventOrder.Behind(EventCursor.parse(request.getCursor()));
                } catch (IllegalArgumentException e) {
                    violations.add(new StatusMapping.Violation("cursor", String.valueOf(e.getMessage())));
                    yield new EventOrder.Anywhere();
                }
            }
            case SINCE -> new EventOrder.Since(time("since", request.getSince(), violations));
            case START_NOT_SET -> new EventOrder.Anywhere();
        };
    }

    private static Instant time(String field, Timestamp time, List<StatusMapping.Violation> violations) {
        long seconds = time.getSeconds();
        int nanos = time.getNanos();
        if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos >= 1_000_000_000) {
            violations.add(new StatusMapping.Violation(
                    field, seconds + " s " + nanos + " ns (expected: a time from year 1 to 9999)"));
            return Instant.EPOCH;
        }
        return Instant.ofEpochSecond(seconds, nanos);
    }
}
