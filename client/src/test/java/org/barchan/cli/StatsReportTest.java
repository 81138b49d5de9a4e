package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.barchan.client.GuestUsage;
import org.barchan.client.HostUsage;
import org.barchan.client.ProcessTable;
import org.barchan.client.SandboxState;
import org.barchan.client.SandboxStats;
import org.junit.jupiter.api.Test;

/** What is printed of what sandboxes take, and of their processes. */
final class StatsReportTest {
    private static SandboxStats stats(int second, int cpuMillis) {
        return new SandboxStats(
                "b-aaaaaaaaaaaa",
                "box",
                SandboxState.RUNNING,
                Instant.ofEpochSecond(second),
                Optional.of(new HostUsage(Duration.ofSeconds(second), Duration.ofMillis(cpuMillis), 300 << 20)),
                "",
                Optional.of(new GuestUsage(
                        Duration.ofSeconds(second),
                        new GuestUsage.Cpu(
                                2,
                                Duration.ofMillis(cpuMillis / 2),
                                Duration.ZERO,
                                Duration.ofSeconds(5),
                                Duration.ofSeconds(6),
                                Duration.ofSeconds(7)),
                        new GuestUsage.Memory(512 << 20, 384 << 20, 3, 4, 5),
                        new GuestUsage.DiskIo(1536, 0, 3, 4),
                        12)),
                "");
    }

    private static SandboxStats silent() {
        return new SandboxStats(
                "b-bbbbbbbbbbbb",
                "silent",
                SandboxState.PAUSED,
                Instant.EPOCH,
                Optional.empty(),
                "libvirt is\ngone",
                Optional.empty(),
                "it is paused");
    }

    @Test
    void text_ofWhatIsNotKnown_saysWhy() {
        assertEquals(
                "NAME                 CPU %     MEM USAGE / LIMIT     MEM %    HOST MEM  DISK READ / WRITTEN   PIDS\n"
                        + "silent               --        --                    --       --        --                    --    (libvirt is gone; it is paused)\n"
                        + "box                  --        128.0MiB / 512.0MiB   25.00%   300.0MiB  1.50KiB / 0B          12\n",
                StatsReport.text(List.of(silent(), stats(1, 500)), Map.of()));
    }

    @Test
    void text_secondTime_hasTheUseOfCpusInBetween() {
        assertEquals(
                "box                  125.50%   128.0MiB / 512.0MiB   25.00%   300.0MiB  1.50KiB / 0B          12",
                StatsReport.text(List.of(stats(3, 3010)), Map.of("b-aaaaaaaaaaaa", stats(1, 500)))
                        .lines()
                        .toList()
                        .getLast());
    }

    @Test
    void cpus_ofAnotherMachine_areNoneThanLessThanNothing() {
        assertEquals(
                0,
                stats(3, 100)
                        .host()
                        .orElseThrow()
                        .cpusSince(stats(1, 500).host().orElseThrow()));
        assertEquals(
                0,
                stats(1, 500)
                        .guest()
                        .orElseThrow()
                        .cpusSince(stats(1, 100).guest().orElseThrow()));
    }

    @Test
    void json_hasAllThatIsKnown() {
        assertEquals(
                JsonParser.parseString(
                        "{stats: [{id: 'b-aaaaaaaaaaaa', name: 'box', state: 'running', time: '1970-01-01T00:00:03Z',"
                                + " cpuPercent: 125.5, host: {cpuSeconds: 3.01, residentBytes: 314572800},"
                                + " guestCpuPercent: 62.75, guest: {uptimeSeconds: 3.0, cpu: {vcpus: 2, userSeconds: 1.505,"
                                + " systemSeconds: 0.0, idleSeconds: 5.0, iowaitSeconds: 6.0, stealSeconds: 7.0},"
                                + " memory: {totalBytes: 536870912, availableBytes: 402653184, freeBytes: 3, cachedBytes: 4,"
                                + " sharedBytes: 5}, diskIo: {readBytes: 1536, writtenBytes: 0, reads: 3, writes: 4},"
                                + " processes: 12}}, {id: 'b-bbbbbbbbbbbb', name: 'silent', state: 'paused',"
                                + " time: '1970-01-01T00:00:00Z', hostProblem: 'libvirt is\\ngone', guestProblem: 'it is paused'}]}"),
                JsonParser.parseString(
                        StatsReport.json(List.of(stats(3, 3010), silent()), Map.of("b-aaaaaaaaaaaa", stats(1, 500)))
                                .toString()));
    }

    @Test
    void size_hasTheUnitInWhichItIsShort() {
        assertEquals("0B", StatsReport.size(0));
        assertEquals("1023B", StatsReport.size(1023));
        assertEquals("1.00KiB", StatsReport.size(1024));
        assertEquals("1000KiB", StatsReport.size(1000 << 10));
        assertEquals("64.00PiB", StatsReport.size(1L << 56));
        assertEquals("8192PiB", StatsReport.size(Long.MAX_VALUE));
    }

    @Test
    void top_isATableOfOneLineEach() {
        ProcessTable table = new ProcessTable(
                List.of(
                        process(2, 1, Duration.ofMinutes(90), List.of("sh", "-c", "a\nb\u001b[2J")),
                        process(70, 0, Duration.ofSeconds(60), List.of())),
                false,
                Duration.ofHours(30));
        assertEquals("""
                UID    PID    PPID   S NI  %CPU  RSS      ELAPSED     TIME     COMMAND
                1000   2      1      S 19  5.0   1.00MiB  1-05:59:59  01:30:00 sh -c a b [2J
                1000   70     0      S 19  0.1   1.00MiB  1-05:59:59  01:00    [na me]
                """, TopVerb.text(table));
        assertEquals(
                JsonParser.parseString("{pid: 70, parentPid: 0, uid: 1000, state: 'sleeping', cpuSeconds: 60.0,"
                        + " elapsedSeconds: 107999.0, residentBytes: 1048576, virtualBytes: 9, threads: 3, nice: 19,"
                        + " name: 'na\\nme', command: []}"),
                JsonParser.parseString(
                        TopVerb.json(table).getAsJsonArray("processes").get(1).toString()));
    }

    private static ProcessTable.Entry process(int pid, int parent, Duration cpu, List<String> command) {
        return new ProcessTable.Entry(
                pid,
                parent,
                1000,
                ProcessTable.State.SLEEPING,
                cpu,
                Duration.ofSeconds(1),
                1 << 20,
                9,
                3,
                19,
                "na\nme",
                command);
    }
}
