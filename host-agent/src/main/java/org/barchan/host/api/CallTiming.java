package org.barchan.host.api;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * When what of a call was done. Its client finds it in the trailers, as {@code barchan-timing: prepared=1234,machine=5678}: microseconds
 * since the call arrived. Safe for use by many threads.
 */
final class CallTiming {
    static final Metadata.Key<String> TRAILER = Metadata.Key.of("barchan-timing", Metadata.ASCII_STRING_MARSHALLER);

    private static final Context.Key<CallTiming> KEY = Context.key("call-timing");

    private static final int MAX_NAME = 64;
    /** What a mark can't have in its name. */
    private static final Pattern SEPARATORS = Pattern.compile("[^ -~]|[,=]");

    private final long arrival = System.nanoTime();
    private final Map<String, Long> marks = new LinkedHashMap<>();

    /** Returns that of the call that this thread serves; of none, one that nobody looks at. */
    static CallTiming current() {
        CallTiming timing = KEY.get();
        return timing == null ? new CallTiming() : timing;
    }

    /** Notes that something was done now, unless it was before. */
    synchronized void mark(String what) {
        marks.putIfAbsent(what, (System.nanoTime() - arrival) / 1000);
    }

    /**
     * Notes when each of several things was done of which the last is done now.
     *
     * @param kind what each is called by, in front of its own name
     * @param took how long each took, in order
     */
    synchronized void markEach(String kind, Map<String, Duration> took) {
        long now = (System.nanoTime() - arrival) / 1000;
        long left = took.values().stream().mapToLong(CallTiming::micros).sum();
        for (Map.Entry<String, Duration> one : took.entrySet()) {
            left -= micros(one.getValue());
            String name = kind + SEPARATORS.matcher(one.getKey()).replaceAll(" ");
            marks.putIfAbsent(name.substring(0, Math.min(name.length(), MAX_NAME)), Math.max(0, now - left));
        }
    }

    private static long micros(Duration duration) {
        return duration.toNanos() / 1000;
    }

    private synchronized void addTo(Metadata trailers) {
        if (!marks.isEmpty()) {
            trailers.put(
                    TRAILER,
                    marks.entrySet().stream()
                            .map(mark -> mark.getKey() + "=" + mark.getValue())
                            .collect(Collectors.joining(",")));
        }
    }

    /** Gives each call its own. */
    static final class Interceptor implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            CallTiming timing = new CallTiming();
            ServerCall<Q, A> timed = new SimpleForwardingServerCall<>(call) {
                @Override
                public void close(Status status, Metadata trailers) {
                    timing.addTo(trailers);
                    super.close(status, trailers);
                }
            };
            return Contexts.interceptCall(Context.current().withValue(KEY, timing), timed, headers, next);
        }
    }
}
