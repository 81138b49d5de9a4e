package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.barchan.v1.LimitedResource;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ResourceLimit;
import org.junit.jupiter.api.Test;

final class LimitParserTest {
    private static List<String> wrong(ProcessSpec.Builder process) {
        List<String> wrong = new ArrayList<>();
        new LimitParser("process.", (field, problem) -> wrong.add(field + ": " + problem)).check(process.build());
        return wrong;
    }

    private static ResourceLimit.Builder limit(LimitedResource resource) {
        return ResourceLimit.newBuilder().setResource(resource);
    }

    @Test
    void limits_thatCantBe_areNamed() {
        assertEquals(
                List.of(
                        "process.resource_limits[0].resource: 0",
                        "process.resource_limits[1].resource: 99",
                        "process.resource_limits[3].resource: nofile again (expected: each once)",
                        "process.resource_limits[4].soft: 2 (expected: at most the hard limit, 1)",
                        "process.resource_limits[5].soft: unlimited (expected: at most the hard limit, 18446744073709551615)",
                        "process.nice: 20 (expected: -20 to 19)",
                        "process.oom_score_adj: -1001 (expected: -1000 to 1000)"),
                wrong(ProcessSpec.newBuilder()
                                .addResourceLimits(ResourceLimit.newBuilder())
                                .addResourceLimits(ResourceLimit.newBuilder().setResourceValue(99))
                                .addResourceLimits(limit(LimitedResource.LIMITED_RESOURCE_NOFILE))
                                .addResourceLimits(limit(LimitedResource.LIMITED_RESOURCE_NOFILE))
                                .addResourceLimits(limit(LimitedResource.LIMITED_RESOURCE_CPU)
                                        .setSoft(2)
                                        .setHard(1))
                                .addResourceLimits(limit(LimitedResource.LIMITED_RESOURCE_AS)
                                        .setHard(-1))
                                .setNice(20)
                                .setOomScoreAdj(-1001))
                        .stream()
                        .map(problem -> problem.replaceFirst(" \\(expected: a value that.*", ""))
                        .toList());
        assertEquals(
                List.of(
                        "process.nice: -21 (expected: -20 to 19)",
                        "process.oom_score_adj: -2147483648 (expected: -1000 to 1000)"),
                wrong(ProcessSpec.newBuilder().setNice(-21).setOomScoreAdj(Integer.MIN_VALUE)));
    }

    @Test
    void limits_inBounds_areTaken() {
        assertEquals(
                List.of(),
                wrong(ProcessSpec.newBuilder()
                        .addResourceLimits(limit(LimitedResource.LIMITED_RESOURCE_NOFILE)
                                .setSoft(1)
                                .setHard(-1))
                        .addResourceLimits(
                                limit(LimitedResource.LIMITED_RESOURCE_CORE).setSoft(0))
                        .setNice(-20)
                        .setOomScoreAdj(1000)));
    }
}
