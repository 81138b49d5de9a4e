package org.barchan.guest.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.LimitedResource;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ResourceLimit;
import org.junit.jupiter.api.Test;

final class SpawnRequestTest {
    private static ProcessSpec.Builder command(String... argv) {
        ProcessSpec.Builder spec = ProcessSpec.newBuilder();
        for (String argument : argv) {
            spec.addArgv(ByteString.copyFromUtf8(argument));
        }
        return spec;
    }

    private static EnvironmentVariable variable(String name, String value) {
        return EnvironmentVariable.newBuilder()
                .setName(ByteString.copyFromUtf8(name))
                .setValue(ByteString.copyFromUtf8(value))
                .build();
    }

    private static List<String> candidates(ProcessSpec.Builder spec) {
        return SpawnRequest.candidates(spec.build()).stream()
                .map(ByteString::toStringUtf8)
                .toList();
    }

    @Test
    void candidates_ofNoName_areNone() {
        assertEquals(List.of(), candidates(command("")));
    }

    @Test
    void candidates_withSlash_ignoreThePath() {
        assertEquals(List.of("./true"), candidates(command("./true").addEnvironment(variable("PATH", "/bin"))));
    }

    @Test
    void candidates_withoutPath_areThoseOfExecvp() {
        assertEquals(List.of("/bin/true", "/usr/bin/true"), candidates(command("true")));
    }

    @Test
    void candidates_withEmptyPathElement_lookInTheWorkingDirectory() {
        assertEquals(List.of("/a/x", "x", "/b/x"), candidates(command("x").addEnvironment(variable("PATH", "/a::/b"))));
    }

    @Test
    void of_putsEverythingInTheOrderThatSpawnReads() {
        ProcessSpec spec = command("/bin/x", "a b")
                .addEnvironment(variable("K", "v=w"))
                .setWorkingDirectory(ByteString.copyFromUtf8("/d"))
                .setIdentity(Identity.newBuilder()
                        .setUid(7)
                        .setGid(8)
                        .addSupplementaryGids(9)
                        .addSupplementaryGids(10))
                .build();

        SpawnRequest request = SpawnRequest.of(spec, 3, 4, 5, 6);

        assertEquals("/bin/x\0/bin/x\0a b\0K=v=w\0/d\0", new String(request.strings(), StandardCharsets.UTF_8));
        assertArrayEquals(new int[] {1, 2, 1, 1, 3, 4, 5, 6, 1, 7, 8, 0, 2, 0, 0, 0, 0, 0, 9, 10}, request.numbers());
    }

    @Test
    void of_limits_comeBehindTheGroups_inHalves() {
        ProcessSpec spec = command("x")
                .setIdentity(Identity.newBuilder().addSupplementaryGids(9))
                .setNice(-5)
                .setOomScoreAdj(500)
                .addResourceLimits(ResourceLimit.newBuilder()
                        .setResource(LimitedResource.LIMITED_RESOURCE_NOFILE)
                        .setSoft(1024)
                        .setHard((3L << 32) + 7))
                .addResourceLimits(ResourceLimit.newBuilder()
                        .setResource(LimitedResource.LIMITED_RESOURCE_CPU)
                        .setSoft(0))
                .build();

        int[] numbers = SpawnRequest.of(spec, 3, 4, 5, 6).numbers();

        assertArrayEquals(
                new int[] {1, 1, -5, 1, 500, 2, 9, 7, 1024, 0, 7, 3, 0, 0, 0, -1, -1},
                Arrays.copyOfRange(numbers, 12, numbers.length));
    }
}
