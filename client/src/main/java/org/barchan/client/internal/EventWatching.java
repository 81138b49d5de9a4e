package org.barchan.client.internal;

import com.google.protobuf.Timestamp;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Iterator;
import java.util.Optional;
import org.barchan.client.EventListener;
import org.barchan.client.EventSpec;
import org.barchan.v1.EventServiceGrpc;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;

/** Watches events, and goes on where it was when it is begun again with another agent. For one thread. */
final class EventWatching {
    private final EventSpec spec;
    private final EventListener listener;
    private Optional<String> cursor = Optional.empty();
    private boolean incomplete;

    EventWatching(EventSpec spec, EventListener listener) {
        this.spec = spec;
        this.listener = listener;
    }

    /** Watches to the end; throws UNAVAILABLE when the agent has gone before that. */
    void go(Channel channel) {
        // A call that is left before its end is cancelled.
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            Iterator<WatchEventsResponse> responses = ClientCalls.blockingServerStreamingCall(
                    channel, EventServiceGrpc.getWatchEventsMethod(), CallOptions.DEFAULT, request());
            while (responses.hasNext()) {
                take(responses.next());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    private WatchEventsRequest request() {
        WatchEventsRequest.Builder request =
                WatchEventsRequest.newBuilder().setFollow(spec.follow()).addAllSandboxes(spec.sandboxes());
        spec.types().forEach(type -> request.addTypes(SpecMapping.toProto(type)));
        spec.until().ifPresent(time -> request.setUntil(timestamp(time)));
        cursor.ifPresentOrElse(
                request::setCursor,
                () -> spec.start().ifPresent(start -> {
                    switch (start) {
                        case EventSpec.Behind(String text) -> request.setCursor(text);
                        case EventSpec.Since(Instant time) -> request.setSince(timestamp(time));
                    }
                }));
        return request.build();
    }

    private static Timestamp timestamp(Instant time) {
        long seconds = time.getEpochSecond();
        int nanos = time.getNano();
        return Timestamp.newBuilder().setSeconds(seconds).setNanos(nanos).build();
    }

    private void take(WatchEventsResponse response) throws IOException {
        boolean first = cursor.isEmpty();
        if (response.hasEvent()) {
            listener.onEvent(ResultMapping.fromProto(response.getEvent(), response.getCursor()));
        } else {
            listener.onPosition(response.getCursor());
            if (response.getIncomplete() && !incomplete) {
                incomplete = true;
                listener.onIncomplete();
            }
        }
        // Where a time was asked for, all before that is passed over again until there is an event.
        boolean since = spec.start().filter(EventSpec.Since.class::isInstance).isPresent();
        if (response.hasEvent() || !first || !since) {
            cursor = Optional.of(response.getCursor());
        }
    }
}
