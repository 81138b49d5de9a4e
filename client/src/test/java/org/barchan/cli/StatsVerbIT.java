package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.barchan.testing.FakeAgent;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.HostStats;
import org.barchan.v1.ProcessTableEntry;
import org.barchan.v1.SandboxState;
import org.barchan.v1.SandboxStats;
import org.barchan.v1.WatchStatsRequest;
import org.barchan.v1.WatchStatsResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code stats} and {@code top} as processes, against an agent that says what the test does. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class StatsVerbIT {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    /** A sandbox that keeps half a CPU busy, without a guest that answers. */
    private static WatchStatsResponse reading(int second) {
        return WatchStatsResponse.newBuilder()
                .addStats(SandboxStats.newBuilder()
                        .setId("b-aaaaaaaaaaaa")
                        .setName("box")
                        .setState(SandboxState.SANDBOX_STATE_RUNNING)
                        .setHost(HostStats.newBuilder()
                                .setReadMicros(second * 1_000_000L)
                                .setCpuMicros(second * 500_000L)
                                .setResidentBytes(1 << 20))
                        .setGuestProblem("\u001b[2Jsilent"))
                .build();
    }

    private static Command.Result run(FakeAgent agent, String... arguments) throws Exception {
        try (Command command =
                Command.start(Map.of("BARCHAN_ADDRESS", agent.socket().toString()), arguments)) {
            command.process().getOutputStream().close();
            return command.end();
        }
    }

    @Test
    void stats_ofNobody_fails() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            Command.Result result = run(agent, "stats", "box", "nobody");
            assertEquals(125, result.status());
            assertTrue(result.err().contains("no 'nobody' here"), result.err());
            assertEquals("", result.out());
        }
    }

    @Test
    void stats_areATableEachTime_withTheUseOfCpusFromTheSecondOn() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.stats.readings(reading(1), WatchStatsResponse.getDefaultInstance(), reading(3), reading(5));
            Command.Result result = run(agent, "stats", "--interval", "1.5", "box");
            assertEquals(0, result.status());
            List<String> lines = result.out().lines().toList();
            assertEquals(7, lines.size(), result.out());
            for (int line : new int[] {0, 2, 3, 5}) {
                assertTrue(lines.get(line).startsWith("NAME"), result.out());
            }
            assertTrue(lines.get(1).matches("box +-- +.*1\\.00MiB.*\\( \\[2Jsilent\\)"), result.out());
            assertTrue(lines.get(4).matches("box +-- .*"), result.out());
            assertTrue(lines.get(6).matches("box +50\\.00% .*"), result.out());
            WatchStatsRequest asked = agent.stats.watched.take();
            assertEquals(List.of("box"), asked.getSandboxesList());
            assertEquals(
                    Duration.newBuilder().setSeconds(1).setNanos(500_000_000).build(), asked.getInterval());
        }
    }

    @Test
    void stats_once_areThoseOfTheSecondReading_orOfTheOnlyOne() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.stats.readings(reading(1), reading(3), reading(9));
            String json = run(agent, "stats", "--no-stream", "--output", "json").out();
            assertEquals(1, json.lines().count(), json);
            assertEquals(
                    JsonParser.parseString("{id: 'b-aaaaaaaaaaaa', name: 'box', state: 'running',"
                            + " time: '1970-01-01T00:00:00Z', cpuPercent: 50.0, host: {cpuSeconds: 1.5,"
                            + " residentBytes: 1048576}, guestProblem: '\\u001b[2Jsilent'}"),
                    JsonParser.parseString(json)
                            .getAsJsonObject()
                            .getAsJsonArray("stats")
                            .get(0));

            agent.stats.readings(reading(1));
            assertTrue(run(agent, "stats", "--no-stream", "box").out().contains("box                  -- "));
        }
    }

    @Test
    void top_saysWhenThereAreMore() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.stats.table(GetProcessTableResponse.newBuilder()
                    .addProcesses(ProcessTableEntry.newBuilder()
                            .setPid(7)
                            .setUid(-1)
                            .addArgv(ByteString.copyFromUtf8("sleep"))
                            .addArgv(ByteString.copyFrom(new byte[] {(byte) 0xff})))
                    .setTruncated(true)
                    .build());
            Command.Result result = run(agent, "top", "box");
            assertEquals(0, result.status());
            assertTrue(result.out().contains("4294967295 7 "), result.out());
            assertTrue(result.err().contains("there are more processes than the 1 "), result.err());
            Command.Result json = run(agent, "top", "--output", "json", "box");
            assertEquals("", json.err());
            assertTrue(
                    JsonParser.parseString(json.out())
                            .getAsJsonObject()
                            .get("truncated")
                            .getAsBoolean(),
                    json.out());
        }
    }
}
