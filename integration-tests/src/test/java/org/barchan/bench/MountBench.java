package org.barchan.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.barchan.bench.BareGuest.Arrival;

/** What mounts cost: at the start of a sandbox, and as against the same work on the host. */
final class MountBench {
    private static final int MOUNTS = 16;
    private static final String IMAGE = "image";
    private static final List<String> TRANSPORTS = List.of("9p", "virtiofs", IMAGE);
    private static final List<String> MODES = List.of("ro", "rw", "overlay");
    private static final int LARGE_BYTES = 128 << 20;
    private static final int DIRECTORIES = 40;
    private static final int FILES_EACH = 50;
    private static final int SMALL_BYTES = 4096;

    /** Each is a shell's command in the directory; what it reads has been read before, on the host. */
    private static final Map<String, String> WORK = new LinkedHashMap<>();

    static {
        WORK.put("read 128 MiB", "cat large > /dev/null");
        WORK.put("read them again", "cat large > /dev/null");
        WORK.put("write 64 MiB", "head -c 67108864 /dev/zero > written");
        WORK.put("read 2000 files of 4 KiB", "cat tree/*/* > /dev/null");
        WORK.put("look at 2000 files", "find tree -size +0 | wc -l > /dev/null");
        WORK.put("look at them again", "find tree -size +0 | wc -l > /dev/null");
    }

    private static final String SCRIPT =
            "cd \"$0\"; for work do s=$(date +%s%N); eval \"$work\" || true; e=$(date +%s%N);"
                    + " echo $(((e - s) / 1000)); done";

    private final Bench bench;
    private final Map<String, List<Double>> millis = new TreeMap<>();

    MountBench(Bench bench) {
        this.bench = bench;
    }

    /** Measures and prints. */
    void measure(int rounds) throws IOException, InterruptedException {
        // QEMU's user reads it, and writes to it.
        Path directory = Files.createTempDirectory(Path.of("/srv"), "bench");
        try {
            fill(directory);
            makeImage(directory);
            var _ = start(List.of());
            var _ = start(List.of("--mount", mount(directory, "/mnt", "ro", IMAGE)));
            Map<String, List<Double>> each = new TreeMap<>();
            List<Double> firstImage = new ArrayList<>();
            List<Double> virtiofsRoot = new ArrayList<>();
            List<Double> overlaidRoot = new ArrayList<>();
            for (int i = 1; i <= rounds; i++) {
                System.err.println("bench: mounts, round " + i + " of " + rounds);
                double none = start(List.of());
                double image = start(List.of("--mount", mount(directory, "/mnt", "ro", IMAGE)));
                firstImage.add((image - none) * 1000);
                for (String transport : TRANSPORTS) {
                    List<String> mounts = new ArrayList<>();
                    for (int mount = 0; mount < MOUNTS; mount++) {
                        mounts.addAll(List.of("--mount", mount(directory, "/mnt", "ro", transport)));
                    }
                    each.computeIfAbsent(transport, any -> new ArrayList<>())
                            .add((start(mounts) - (transport.equals(IMAGE) ? image : none)) * 1000 / MOUNTS);
                }
                double ninep = start(List.of("--root-transport", "9p"));
                virtiofsRoot.add((start(List.of("--root-transport", "virtiofs")) - ninep) * 1000);
                overlaidRoot.add((start(List.of("--root-mode", "overlay")) - none) * 1000);
                note("host", new ProcessBuilder(script(directory.toString())));
                for (String transport : TRANSPORTS) {
                    for (String mode : MODES) {
                        List<String> command = new ArrayList<>(List.of(
                                "run", "--accel", "tcg", "--mount", mount(directory, "/srv", mode, transport), "--"));
                        command.addAll(script("/srv"));
                        note(transport + " " + mode, bench.barchan(command.toArray(String[]::new)));
                        Files.deleteIfExists(directory.resolve("written"));
                    }
                }
            }
            System.out.println();
            Table.begin("ratio to the host");
            each.forEach((transport, values) ->
                    Table.row("a mount by " + transport + ", at the start (of " + MOUNTS + ")", "ms", values, null));
            Table.row("the first image, at the start: ext4 with its module", "ms", firstImage, null);
            Table.row("the root by virtiofs, at the start, against 9p", "ms", virtiofsRoot, null);
            Table.row("an overlay over the root, at the start", "ms", overlaidRoot, null);
            for (String work : WORK.keySet()) {
                List<Double> host = values("host", work);
                Table.row(work + ": host", "ms", host, null);
                for (String transport : TRANSPORTS) {
                    for (String mode : MODES) {
                        if (!work.startsWith("write") || !mode.equals("ro")) {
                            String where = transport + " " + mode;
                            Table.row(work + ": " + where, "ms", values(where, work), host);
                        }
                    }
                }
            }
        } finally {
            Files.deleteIfExists(image(directory));
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void fill(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.write(directory.resolve("large"), new byte[LARGE_BYTES]);
        for (int i = 0; i < DIRECTORIES; i++) {
            Path below = Files.createDirectories(directory.resolve("tree/" + i));
            for (int file = 0; file < FILES_EACH; file++) {
                Files.write(below.resolve("file" + file), new byte[SMALL_BYTES]);
            }
        }
    }

    private static Path image(Path directory) {
        return directory.resolveSibling(directory.getFileName() + ".img");
    }

    /** Makes one that holds what the directory does, with room to write. */
    private static void makeImage(Path directory) throws IOException, InterruptedException {
        Path image = image(directory);
        Process process = new ProcessBuilder(
                        "/sbin/mkfs.ext4", "-q", "-d", directory.toString(), image.toString(), "512M")
                .inheritIO()
                .start();
        if (process.waitFor() != 0) {
            throw new IOException("making " + image + " failed");
        }
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    private static String mount(Path source, String target, String mode, String transport) {
        if (transport.equals(IMAGE)) {
            return "type=image,src=" + image(source) + ",dst=" + target + "," + mode;
        }
        return "type=bind,src=" + source + ",dst=" + target + "," + mode + ",transport=" + transport;
    }

    private static List<String> script(String directory) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", SCRIPT, directory));
        command.addAll(WORK.values());
        return command;
    }

    /** Returns the seconds to the first byte, while no machine of before is being taken down. */
    private double start(List<String> options) throws IOException, InterruptedException {
        bench.awaitNoSandbox();
        List<String> command = new ArrayList<>(List.of("run", "--accel", "tcg"));
        command.addAll(options);
        command.addAll(List.of("--", "echo"));
        return Arrival.of(bench.barchan(command.toArray(String[]::new)), 1).first();
    }

    private void note(String where, ProcessBuilder program) throws IOException, InterruptedException {
        // A read-only mount fails at what writes, which is not shown.
        Process process = program.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        process.getOutputStream().close();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                .lines()
                .toList();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        List<String> works = List.copyOf(WORK.keySet());
        if (lines.size() != works.size()) {
            throw new IOException(program.command() + ": printed " + lines + " (expected: " + works.size() + " lines)");
        }
        for (int i = 0; i < lines.size(); i++) {
            millis.computeIfAbsent(where + " " + works.get(i), any -> new ArrayList<>())
                    .add(Double.parseDouble(lines.get(i)) / 1000);
        }
    }

    private List<Double> values(String where, String work) {
        return Collections.unmodifiableList(millis.getOrDefault(where + " " + work, List.of()));
    }
}
