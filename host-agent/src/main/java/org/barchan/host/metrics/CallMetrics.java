package org.barchan.host.metrics;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Counts calls and how long they took, by the names that other gRPC servers have for it. Calls of methods that nobody serves do not come here,
 * so that methods are few. Safe for use by many threads.
 */
final class CallMetrics implements ServerInterceptor {
    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Counter started;
    private final Counter handled;
    private final Histogram handling;

    CallMetrics(PrometheusRegistry registry) {
        started = Counter.builder()
                .name("grpc_server_started_total")
                .help("Calls that were begun.")
                .labelNames("grpc_type", "grpc_service", "grpc_method")
                .register(registry);
        handled = Counter.builder()
                .name("grpc_server_handled_total")
                .help("Calls that were ended, whatever their status.")
                .labelNames("grpc_type", "grpc_service", "grpc_method", "grpc_code")
                .register(registry);
        // Most take a few milliseconds; those that follow something, as long as that is there.
        handling = Histogram.builder()
                .name("grpc_server_handling_seconds")
                .help("How long calls took.")
                .labelNames("grpc_type", "grpc_service", "grpc_method")
                .classicOnly()
                .classicUpperBounds(0.005, 0.025, 0.1, 0.5, 1, 5, 30, 300, 3600)
                .register(registry);
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        Counted counted = new Counted(call.getMethodDescriptor());
        ServerCall<Q, A> seen = new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                counted.end(status.getCode());
                super.close(status, trailers);
            }
        };
        return new SimpleForwardingServerCallListener<>(next.startCall(seen, headers)) {
            @Override
            public void onCancel() {
                // Its client is gone: nobody may close it any more.
                counted.end(Status.Code.CANCELLED);
                super.onCancel();
            }
        };
    }

    /** A call that is under way. Its end is counted once. */
    private final class Counted {
        private final long begun = System.nanoTime();
        private final AtomicBoolean ended = new AtomicBoolean();
        private final String type;
        private final String service;
        private final String method;

        Counted(MethodDescriptor<?, ?> called) {
            type = called.getType().name().toLowerCase(Locale.ROOT);
            service = String.valueOf(called.getServiceName());
            method = String.valueOf(called.getBareMethodName());
            started.labelValues(type, service, method).inc();
        }

        void end(Status.Code code) {
            if (ended.compareAndSet(false, true)) {
                handled.labelValues(type, service, method, code.name()).inc();
                handling.labelValues(type, service, method).observe((System.nanoTime() - begun) / NANOS);
            }
        }
    }
}
