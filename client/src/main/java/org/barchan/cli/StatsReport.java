package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.barchan.client.GuestUsage;
import org.barchan.client.HostUsage;
import org.barchan.client.SandboxStats;
import org.jspecify.annotations.Nullable;

/** What is printed of what sandboxes take. */
final class StatsReport {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final String UNKNOWN = "--";
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

    private StatsReport() {}

    /** @param before what each took an interval ago, by ids */
    static JsonObject json(List<SandboxStats> all, Map<String, SandboxStats> before) {
        JsonArray list = new JsonArray();
        all.forEach(stats -> list.add(json(stats, before.get(stats.id()))));
        JsonObject json = new JsonObject();
        json.add("stats", list);
        return json;
    }

    private static JsonObject json(SandboxStats stats, @Nullable SandboxStats before) {
        JsonObject json = new JsonObject();
        json.addProperty("id", stats.id());
        json.addProperty("name", stats.name());
        json.addProperty("state", JsonReport.lower(stats.state()));
        json.addProperty("time", stats.time().toString());
        hostCpus(stats, before).ifPresent(cpus -> json.addProperty("cpuPercent", percent(cpus)));
        stats.host().ifPresent(host -> json.add("host", json(host)));
        if (!stats.hostProblem().isEmpty()) {
            json.addProperty("hostProblem", stats.hostProblem());
        }
        guestCpus(stats, before).ifPresent(cpus -> json.addProperty("guestCpuPercent", percent(cpus)));
        stats.guest().ifPresent(guest -> json.add("guest", json(guest)));
        if (!stats.guestProblem().isEmpty()) {
            json.addProperty("guestProblem", stats.guestProblem());
        }
        return json;
    }

    private static JsonObject json(HostUsage host) {
        JsonObject json = new JsonObject();
        json.addProperty("cpuSeconds", seconds(host.cpu()));
        json.addProperty("residentBytes", host.residentBytes());
        return json;
    }

    private static JsonObject json(GuestUsage guest) {
        JsonObject cpu = new JsonObject();
        cpu.addProperty("vcpus", guest.cpu().vcpus());
        cpu.addProperty("userSeconds", seconds(guest.cpu().user()));
        cpu.addProperty("systemSeconds", seconds(guest.cpu().system()));
        cpu.addProperty("idleSeconds", seconds(guest.cpu().idle()));
        cpu.addProperty("iowaitSeconds", seconds(guest.cpu().iowait()));
        cpu.addProperty("stealSeconds", seconds(guest.cpu().steal()));
        JsonObject memory = new JsonObject();
        memory.addProperty("totalBytes", guest.memory().totalBytes());
        memory.addProperty("availableBytes", guest.memory().availableBytes());
        memory.addProperty("freeBytes", guest.memory().freeBytes());
        memory.addProperty("cachedBytes", guest.memory().cachedBytes());
        memory.addProperty("sharedBytes", guest.memory().sharedBytes());
        JsonObject io = new JsonObject();
        io.addProperty("readBytes", guest.diskIo().readBytes());
        io.addProperty("writtenBytes", guest.diskIo().writtenBytes());
        io.addProperty("reads", guest.diskIo().reads());
        io.addProperty("writes", guest.diskIo().writes());
        JsonObject json = new JsonObject();
        json.addProperty("uptimeSeconds", seconds(guest.uptime()));
        json.add("cpu", cpu);
        json.add("memory", memory);
        json.add("diskIo", io);
        json.addProperty("processes", guest.processes());
        return json;
    }

    /** @param before what each took an interval ago, by ids */
    static String text(List<SandboxStats> all, Map<String, SandboxStats> before) {
        StringBuilder text = new StringBuilder(
                row("NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "HOST MEM", "DISK READ / WRITTEN", "PIDS", ""));
        for (SandboxStats stats : all) {
            text.append(row(
                    stats.name(),
                    hostCpus(stats, before.get(stats.id()))
                            .map(cpus -> percentText(percent(cpus)))
                            .orElse(UNKNOWN),
                    stats.guest().map(guest -> memory(guest.memory())).orElse(UNKNOWN),
                    stats.guest()
                            .map(guest -> percentText(memoryPercent(guest.memory())))
                            .orElse(UNKNOWN),
                    stats.host().map(host -> size(host.residentBytes())).orElse(UNKNOWN),
                    stats.guest()
                            .map(guest -> size(guest.diskIo().readBytes()) + " / "
                                    + size(guest.diskIo().writtenBytes()))
                            .orElse(UNKNOWN),
                    stats.guest()
                            .map(guest -> Integer.toString(guest.processes()))
                            .orElse(UNKNOWN),
                    problems(stats)));
        }
        return text.toString();
    }

    private static Optional<Double> hostCpus(SandboxStats stats, @Nullable SandboxStats before) {
        return before == null
                ? Optional.empty()
                : stats.host().flatMap(now -> before.host().map(now::cpusSince));
    }

    private static Optional<Double> guestCpus(SandboxStats stats, @Nullable SandboxStats before) {
        return before == null
                ? Optional.empty()
                : stats.guest().flatMap(now -> before.guest().map(now::cpusSince));
    }

    /** As others have it: 100 is one CPU. */
    private static double percent(double cpus) {
        return Math.round(cpus * 10_000) / 100.0;
    }

    private static double memoryPercent(GuestUsage.Memory memory) {
        return memory.totalBytes() == 0 ? 0 : 100.0 * memory.usedBytes() / memory.totalBytes();
    }

    private static String memory(GuestUsage.Memory memory) {
        return size(memory.usedBytes()) + " / " + size(memory.totalBytes());
    }

    private static String problems(SandboxStats stats) {
        String problems = stats.guestProblem();
        if (!stats.hostProblem().isEmpty()) {
            problems = stats.hostProblem() + (problems.isEmpty() ? "" : "; " + problems);
        }
        return problems.isEmpty() ? "" : "(" + problems.replaceAll("\\p{Cntrl}", " ") + ")";
    }

    private static String percentText(double percent) {
        return String.format(Locale.ROOT, "%.2f%%", percent);
    }

    /** Returns a number of bytes in the unit in which it has one to four digits before the point. */
    static String size(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        String format = unit == 0 || value >= 1000 ? "%.0f%s" : value >= 100 ? "%.1f%s" : "%.2f%s";
        return String.format(Locale.ROOT, format, value, UNITS[unit]);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / NANOS_PER_SECOND;
    }

    private static String row(String... cells) {
        return String.format("%-20s %-9s %-21s %-8s %-9s %-21s %-5s %s", (Object[]) cells)
                        .stripTrailing()
                + "\n";
    }
}
