package org.barchan.host.metrics;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.barchan.host.lifecycle.SandboxView;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.Event;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** Counts what happens to sandboxes and their processes under this agent. Hears one event at a time. */
final class SandboxMetrics {
    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Of those that start, by id. Each runs or ends. */
    private final Map<String, Long> starting = new HashMap<>();

    private final Histogram starts;
    private final Counter failedStarts;
    private final Counter adopted;
    private final Counter ends;
    private final Counter processStarts;
    private final Counter processEnds;

    private SandboxMetrics(PrometheusRegistry registry) {
        starts = Histogram.builder()
                .name("barchan_sandbox_start_seconds")
                .help("How long sandboxes took from when they had their name until their process ran.")
                .classicOnly()
                .classicUpperBounds(0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
                .register(registry);
        failedStarts = counter("barchan_sandbox_start_failures_total", "Sandboxes whose process was not started.")
                .register(registry);
        adopted = counter("barchan_sandboxes_adopted_total", "Sandboxes that were taken over from a former agent.")
                .register(registry);
        ends = counter("barchan_sandbox_exits_total", "Sandboxes whose process has ended.")
                .labelNames("result", "cause")
                .register(registry);
        processStarts = counter("barchan_process_starts_total", "Processes that were started beside a sandbox's own.")
                .register(registry);
        processEnds = counter("barchan_process_exits_total", "Processes beside a sandbox's own that have ended.")
                .labelNames("result", "cause")
                .register(registry);
    }

    private static Counter.Builder counter(String name, String help) {
        return Counter.builder().name(name).help(help);
    }

    static void register(Sandboxes sandboxes, PrometheusRegistry registry) {
        SandboxMetrics metrics = new SandboxMetrics(registry);
        sandboxes.events().hear(metrics::hear);
        var _ = GaugeWithCallback.builder()
                .name("barchan_sandboxes")
                .help("Sandboxes that live, and those that have ended of which something is kept.")
                .labelNames("state")
                .callback(gauge -> {
                    Map<SandboxView.Phase, Long> numbers = sandboxes.countByPhase();
                    for (SandboxView.Phase phase : SandboxView.Phase.values()) {
                        gauge.call(numbers.getOrDefault(phase, 0L), phase.name().toLowerCase(Locale.ROOT));
                    }
                })
                .register(registry);
    }

    private void hear(Event event) {
        String id = event.getSandboxId();
        switch (event.getType()) {
            case EVENT_TYPE_SANDBOX_CREATED, EVENT_TYPE_SANDBOX_STARTING -> starting.put(id, System.nanoTime());
            case EVENT_TYPE_SANDBOX_RUNNING -> {
                Long begun = starting.remove(id);
                // One of a former agent, which did not come to say so, has no time.
                if (begun != null) {
                    starts.observe((System.nanoTime() - begun) / NANOS);
                }
            }
            case EVENT_TYPE_SANDBOX_ENDED -> {
                if (starting.remove(id) != null) {
                    failedStarts.inc();
                }
                if (event.hasTermination()) {
                    count(ends, event.getTermination());
                }
            }
            case EVENT_TYPE_SANDBOX_ADOPTED -> adopted.inc();
            case EVENT_TYPE_PROCESS_STARTED -> processStarts.inc();
            case EVENT_TYPE_PROCESS_ENDED -> count(processEnds, event.getTermination());
            // One that was created, and never started.
            case EVENT_TYPE_SANDBOX_DELETED -> starting.remove(id);
            case EVENT_TYPE_SANDBOX_PAUSED,
                    EVENT_TYPE_SANDBOX_RESUMED,
                    EVENT_TYPE_SANDBOX_RENAMED,
                    EVENT_TYPE_EVENTS_LOST,
                    EVENT_TYPE_UNSPECIFIED,
                    UNRECOGNIZED -> {}
        }
    }

    private static void count(Counter counter, Termination end) {
        String result = switch (end.getResultCase()) {
            case EXIT_CODE -> end.getExitCode() == 0 ? "succeeded" : "failed";
            case SIGNAL -> "signalled";
            case SPAWN_ERROR -> "not_started";
            case LOST, RESULT_NOT_SET -> "lost";
        };
        TerminationCause cause = end.getCause();
        // What a guest has sent may be no cause.
        boolean known =
                cause != TerminationCause.TERMINATION_CAUSE_UNSPECIFIED && cause != TerminationCause.UNRECOGNIZED;
        counter.labelValues(
                        result,
                        known
                                ? cause.name()
                                        .substring("TERMINATION_CAUSE_".length())
                                        .toLowerCase(Locale.ROOT)
                                : "unknown")
                .inc();
    }
}
