package org.barchan.host.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.barchan.v1.WatchStatsRequest;

/** Looks for what is wrong with requests for what sandboxes take. */
final class StatsParser {
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final Duration STANDARD = Duration.ofSeconds(1);
    private static final int MAX_NANOS = 999_999_999;
    private static final int MAX_SANDBOXES = 1000;

    private StatsParser() {}

    /**
     * Returns how often sandboxes are to be looked at.
     *
     * @throws io.grpc.StatusRuntimeException INVALID_ARGUMENT, with all fields that are wrong
     */
    static Duration interval(WatchStatsRequest request) {
        List<StatusMapping.Violation> wrong = new ArrayList<>();
        if (request.getSandboxesCount() > MAX_SANDBOXES) {
            wrong.add(new StatusMapping.Violation(
                    "sandboxes", request.getSandboxesCount() + " (expected: at most " + MAX_SANDBOXES + ")"));
        }
        com.google.protobuf.Duration given = request.getInterval();
        Duration interval = STANDARD;
        if (request.hasInterval()) {
            boolean sane = given.getSeconds() >= 0
                    && given.getSeconds() <= LONGEST.toSeconds()
                    && given.getNanos() >= 0
                    && given.getNanos() <= MAX_NANOS;
            interval = sane ? Duration.ofSeconds(given.getSeconds(), given.getNanos()) : Duration.ZERO;
            if (interval.compareTo(SHORTEST) < 0 || interval.compareTo(LONGEST) > 0) {
                wrong.add(new StatusMapping.Violation(
                        "interval", given.getSeconds() + " s " + given.getNanos() + " ns (expected: 100 ms to 1 h)"));
            }
        }
        if (!wrong.isEmpty()) {
            throw StatusMapping.of(wrong);
        }
        return interval;
    }
}
