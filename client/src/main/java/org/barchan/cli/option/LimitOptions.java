package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.barchan.client.ProcessLimits;
import org.barchan.client.ResourceLimit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how much a command may use, and how it stands beside others. */
public final class LimitOptions {
    @Option(
            names = "--ulimit",
            paramLabel = "NAME=SOFT[:HARD]",
            converter = UlimitConverter.class,
            description =
                    "Limit what the command may use, as setrlimit(2) has it: nofile, nproc, core, memlock, stack and so on, each a number or"
                            + " unlimited. HARD is SOFT unless it is given. Repeatable, the last one of a name counts.")
    private List<ResourceLimit> limits = new ArrayList<>();

    @Option(
            names = "--nice",
            paramLabel = "N",
            description =
                    "How the command gives way to others of its sandbox: -20 to 19, as nice(1) has it. By default 0.")
    private @Nullable Integer nice;

    @Option(
            names = "--oom-score-adj",
            paramLabel = "N",
            description =
                    "How willingly the sandbox's kernel kills the command when memory is short: -1000 (never) to 1000. By default 0.")
    private @Nullable Integer oomScore;

    /** @throws IllegalArgumentException if a value is out of bounds */
    public ProcessLimits toSpec() {
        check("--nice", nice, -20, 19);
        check("--oom-score-adj", oomScore, -1000, 1000);
        return new ProcessLimits(lastOfEach(), optional(nice), optional(oomScore));
    }

    private List<ResourceLimit> lastOfEach() {
        Map<ResourceLimit.Resource, ResourceLimit> last = new EnumMap<>(ResourceLimit.Resource.class);
        limits.forEach(limit -> last.put(limit.resource(), limit));
        return List.copyOf(last.values());
    }

    private static void check(String option, @Nullable Integer value, int least, int most) {
        if (value != null && (value < least || value > most)) {
            throw new IllegalArgumentException("invalid value for option '" + option + "': " + value + " (expected: "
                    + least + " to " + most + ")");
        }
    }

    private static OptionalInt optional(@Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    /** Puts what is set into a file of options. */
    public void addTo(Map<String, Object> values) {
        List<ResourceLimit> all = lastOfEach();
        if (!all.isEmpty()) {
            values.put("ulimit", all.stream().map(UlimitConverter::text).toList());
        }
        if (nice != null) {
            values.put("nice", nice.toString());
        }
        if (oomScore != null) {
            values.put("oom-score-adj", oomScore.toString());
        }
    }
}
