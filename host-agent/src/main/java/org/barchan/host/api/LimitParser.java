package org.barchan.host.api;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import org.barchan.v1.LimitedResource;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ResourceLimit;

/** Looks for what is wrong with the limits of processes. What their guest's kernel takes, that says. */
final class LimitParser {
    private static final int MAX_NICE = 19;
    private static final int MAX_OOM_SCORE = 1000;
    private static final String NO_LIMIT = "unlimited";

    private final String prefix;
    private final BiConsumer<String, String> wrong;

    /** As of {@link ProcessParser}. */
    LimitParser(String prefix, BiConsumer<String, String> wrong) {
        this.prefix = prefix;
        this.wrong = wrong;
    }

    void check(ProcessSpec process) {
        Set<LimitedResource> seen = EnumSet.noneOf(LimitedResource.class);
        for (int i = 0; i < process.getResourceLimitsCount(); i++) {
            check(prefix + "resource_limits[" + i + "]", process.getResourceLimits(i), seen);
        }
        if (process.getNice() < -MAX_NICE - 1 || process.getNice() > MAX_NICE) {
            wrong.accept(prefix + "nice", process.getNice() + " (expected: -20 to 19)");
        }
        if (Math.abs((long) process.getOomScoreAdj()) > MAX_OOM_SCORE) {
            wrong.accept(prefix + "oom_score_adj", process.getOomScoreAdj() + " (expected: -1000 to 1000)");
        }
    }

    private void check(String field, ResourceLimit limit, Set<LimitedResource> seen) {
        LimitedResource resource = limit.getResource();
        if (resource == LimitedResource.LIMITED_RESOURCE_UNSPECIFIED || resource == LimitedResource.UNRECOGNIZED) {
            wrong.accept(field + ".resource", RunStartParser.unknown(limit.getResourceValue()));
        } else if (!seen.add(resource)) {
            wrong.accept(field + ".resource", name(resource) + " again (expected: each once)");
        }
        if (limit.hasHard() && (!limit.hasSoft() || Long.compareUnsigned(limit.getSoft(), limit.getHard()) > 0)) {
            wrong.accept(
                    field + ".soft",
                    (limit.hasSoft() ? Long.toUnsignedString(limit.getSoft()) : NO_LIMIT)
                            + " (expected: at most the hard limit, " + Long.toUnsignedString(limit.getHard()) + ")");
        }
    }

    private static String name(LimitedResource resource) {
        return resource.name().substring("LIMITED_RESOURCE_".length()).toLowerCase(Locale.ROOT);
    }
}
