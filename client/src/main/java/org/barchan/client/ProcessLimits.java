package org.barchan.client;

import java.util.List;
import java.util.OptionalInt;

/**
 * How much a process may use, and how it stands beside others.
 *
 * @param resources in place of those that processes of a guest have anyway, each resource once
 * @param nice -20 to 19; by default 0
 * @param oomScoreAdjustment how willingly the guest's kernel kills it when memory is short, -1000 (never) to 1000; by default 0
 */
public record ProcessLimits(List<ResourceLimit> resources, OptionalInt nice, OptionalInt oomScoreAdjustment) {
    /** As processes of a guest are anyway. */
    public static final ProcessLimits DEFAULT = new ProcessLimits(List.of(), OptionalInt.empty(), OptionalInt.empty());

    /** @throws IllegalArgumentException if a value is not what Linux takes */
    public ProcessLimits {
        resources = List.copyOf(resources);
        if (resources.stream().map(ResourceLimit::resource).distinct().count() < resources.size()) {
            throw new IllegalArgumentException("resource limits: one of them twice (expected: each once)");
        }
        check("nice value", nice, -20, 19);
        check("OOM score", oomScoreAdjustment, -1000, 1000);
    }

    private static void check(String what, OptionalInt value, int least, int most) {
        if (value.orElse(0) < least || value.orElse(0) > most) {
            throw new IllegalArgumentException(
                    what + ": " + value.getAsInt() + " (expected: " + least + " to " + most + ")");
        }
    }
}
