package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sandboxes that go on from a guest that was saved. */
class TemplatesIT {
    private static final String RESTORED = "goes on from a template";
    private static final int ATTEMPTS = 3;
    /** A template is begun 2 s after it was missed, and takes some 4 s. */
    private static final Duration MADE = Duration.ofSeconds(90);

    private static final Duration SETTLED = Duration.ofSeconds(20);

    @RegisterExtension
    static final Barchan barchan = Barchan.withTemplates();

    @BeforeEach
    void makeTemplate() throws Exception {
        if (templates().isEmpty()) {
            run("true").expect(0);
            await();
        }
    }

    @Test
    void restored_twoAtOnce_areDifferent() throws Exception {
        String script = "cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1;"
                + " cat /proc/sys/kernel/random/uuid; hostname; date +%s";
        Instant before = Instant.now();
        List<Result> both = untilRestored(List.of(
                List.of("run", "--verbose", "-n", "one", "--", "sh", "-c", script),
                List.of("run", "--verbose", "-n", "two", "--", "sh", "-c", script)));
        List<List<String>> said =
                both.stream().map(result -> result.out().lines().toList()).toList();
        for (int i = 0; i < 4; i++) {
            assertNotEquals(said.get(0).get(i), said.get(1).get(i));
        }
        assertEquals(
                List.of("one", "two"), List.of(said.get(0).get(3), said.get(1).get(3)));
        for (List<String> lines : said) {
            long clock = Long.parseLong(lines.get(4));
            assertTrue(
                    clock >= before.getEpochSecond() && clock <= Instant.now().getEpochSecond(), lines::toString);
        }
    }

    @Test
    void restored_twoAtOnce_haveNothingOfEachOthersMemory() throws Exception {
        List<String> secrets = List.of(secret(), secret());
        // In the memory of a process, and in that of files.
        String script = "read -r secret; yes $secret | head -c 1000000 > /tmp/secret; echo written; read -r end";
        List<Running> both = secrets.stream()
                .map(secret -> Barchan.launch(barchan.builder("run", "--verbose", "--", "sh", "-c", script))
                        .write(secret + "\n")
                        .awaitOut("written"))
                .toList();
        List<Set<String>> found = barchan.processes(HostProcess.Kind.QEMU).stream()
                .map(qemu -> found(secrets, qemu.guestMemory()))
                .filter(some -> !some.isEmpty())
                .toList();
        both.forEach(run -> run.write("\n").result().expect(0).expectStderr(RESTORED));

        assertEquals(2, found.size(), "one of each");
        assertEquals(
                Set.copyOf(secrets),
                Set.copyOf(found.stream().flatMap(Set::stream).toList()));
        found.forEach(some -> assertEquals(1, some.size()));
        templates().forEach(template -> assertEquals(Set.of(), found(secrets, template)));
    }

    private static String secret() {
        return HexFormat.of().formatHex(SecureRandom.getSeed(16));
    }

    /** Returns which texts of 32 characters are in a file. */
    private static Set<String> found(List<String> texts, Path file) {
        Set<String> found = new HashSet<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            String before = "";
            for (byte[] piece = in.readNBytes(1 << 20); piece.length > 0; piece = in.readNBytes(1 << 20)) {
                String read = before + new String(piece, StandardCharsets.ISO_8859_1);
                texts.stream().filter(read::contains).forEach(found::add);
                before = read.substring(Math.max(0, read.length() - 31));
            }
        } catch (IOException e) {
            throw new AssertionError("cannot read " + file, e);
        }
        return found;
    }

    @Test
    void restored_hasAllItsMounts(@TempDir(factory = InScratch.class) Path scratch) throws Exception {
        Files.writeString(Files.createDirectory(scratch.resolve("a")).resolve("f"), "by 9p\n");
        Files.writeString(Files.createDirectory(scratch.resolve("b")).resolve("f"), "by virtiofs\n");
        Path disk = Files.write(scratch.resolve("disk"), new byte[1 << 20]);
        Files.setPosixFilePermissions(disk, PosixFilePermissions.fromString("rw-rw-rw-"));
        List<String> options = List.of(
                "--mount",
                "type=bind,src=" + scratch.resolve("a") + ",dst=/mnt,transport=9p",
                "--mount",
                "type=bind,rw,src=" + scratch.resolve("b") + ",dst=/media,transport=virtiofs",
                "--disk",
                "file:tag=" + disk + ",format=raw");
        // A guest with a disk is one of another kind.
        call(List.of("template", "build"), options, List.of()).expect(0);
        Result result = call(
                        List.of("run", "--verbose"),
                        options,
                        List.of(
                                "--",
                                "sh",
                                "-c",
                                "cat /mnt/f /media/f; echo there > /media/g; printf disk | dd of=/dev/disk/by-tag/tag 2>/dev/null"))
                .expect(0)
                .expectStderr(RESTORED);
        assertEquals("by 9p\nby virtiofs\n", result.out());
        assertEquals("there\n", Files.readString(scratch.resolve("b/g")));
        assertEquals("disk", new String(Files.readAllBytes(disk), 0, 4, StandardCharsets.US_ASCII));
    }

    /**
     * Runs commands at once, until all of them have gone on from a template. One that could not boots, and is right, too; but it is not
     * what is to be seen.
     */
    private static List<Result> untilRestored(List<List<String>> commands) throws Exception {
        for (int attempt = 1; ; attempt++) {
            List<Running> running = commands.stream()
                    .map(command -> barchan.start(command.toArray(String[]::new)))
                    .toList();
            List<Result> results =
                    running.stream().map(run -> run.result().expect(0)).toList();
            if (results.stream().allMatch(result -> result.err().contains(RESTORED))) {
                return results;
            }
            assertTrue(
                    attempt < ATTEMPTS,
                    () -> "none was restored\n" + barchan.installation().agentLog());
            // What was missing is being made.
            long deadline = System.nanoTime() + SETTLED.toNanos();
            int known = templates().size();
            while (System.nanoTime() < deadline && templates().size() == known) {
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }
    }

    @Test
    void template_isTheAgentsAlone() throws Exception {
        Path template = templates().getFirst();
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(template)));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(template.getParent())));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 50, 99, 100})
    void damaged_meansAColdBoot_andAnotherTemplate(int percent) throws Exception {
        for (Path template : templates()) {
            try (RandomAccessFile file = new RandomAccessFile(template.toFile(), "rw")) {
                if (percent == 100) {
                    file.seek(file.length() / 2);
                    int old = file.read();
                    file.seek(file.length() / 2);
                    file.write(old ^ 1);
                } else {
                    file.setLength(file.length() * percent / 100);
                }
            }
        }
        Result cold = run("echo right; exit 3").expect(3).expectStderr("init answered");
        assertEquals("right\n", cold.out());
        await();
        var _ = untilRestored(List.of(List.of("run", "--verbose", "--", "true")));
    }

    @Test
    void build_forSandboxesThatHaveNone_saysSo() {
        barchan.call("template", "build", "--memory", "5G")
                .expect(125)
                .expectStderr("memory_bytes.*at most 4294967296");
        barchan.call("template", "build", "-c", "qemu:///system").expect(125).expectStderr("qemu:///embed");
        barchan.call("template", "build", "--kernel", "/dev/null").expect(125).expectStderr("/dev/null");
    }

    @Test
    void build_whoseGuestDoesNotBoot_saysWhy() {
        // The link's driver.
        barchan.call("template", "build", "--kernel-arg", "module_blacklist=virtio_console")
                .expect(125)
                .expectStderr("ended before the guest answered", "virtio_console is blacklisted");
        awaitNoMachine();
    }

    @Test
    void build_interrupted_leavesNothing() throws Exception {
        int known = templates().size();
        try (Running build = barchan.start("template", "build", "--verbose", "--memory", "200M")) {
            build.awaitErr("booting Linux");

            build.signal("INT").result().expect(130);
        }

        awaitNoMachine();
        assertEquals(known, templates().size());
        try (Stream<Path> files = Files.list(barchan.installation().state().resolve("templates"))) {
            assertEquals(
                    List.of(),
                    files.filter(file -> file.getFileName().toString().startsWith("."))
                            .toList());
        }
    }

    @Test
    void build_isWhatARunOfTheKindGoesOnFrom_untilItIsPruned() {
        List<String> kind = List.of("--memory", "256M", "--vcpus", "2", "--kernel-arg", "nosmt");
        Result made =
                call(List.of("template", "build", "--verbose"), kind, List.of()).expect(0);
        assertTrue(made.line().matches("[0-9a-f]{32} made, [0-9]+M"), made::toString);
        made.expectStderr("booting Linux", "saving it", "trying it out");
        String id = made.line().substring(0, 32);
        assertEquals(
                id + " was there already",
                call(List.of("template", "build"), kind, List.of()).expect(0).line());
        JsonObject listed = listed(id);
        assertEquals(256 << 20, listed.get("memoryBytes").getAsLong());
        assertEquals(2, listed.get("vcpus").getAsInt());
        assertFalse(listed.has("lastUseTime"));

        Result cold = call(List.of("run", "--verbose", "--no-template"), kind, List.of("--", "uname", "-r"))
                .expect(0)
                .expectStderr("init answered");
        assertEquals(cold.line(), listed.get("kernelRelease").getAsString());
        assertFalse(listed(id).has("lastUseTime"));
        call(List.of("run", "--verbose"), kind, List.of("--", "true")).expect(0).expectStderr(RESTORED);
        assertTrue(listed(id).has("lastUseTime"));

        assertEquals("freed 0M", barchan.call("template", "prune").expect(0).line(), "all of them are of use");
        JsonObject pruned = barchan.call("template", "prune", "--all", "--output", "json")
                .expect(0)
                .json();
        assertTrue(
                pruned.getAsJsonArray("removed").asList().stream()
                        .anyMatch(template -> template.getAsJsonObject()
                                .get("id")
                                .getAsString()
                                .equals(id)),
                pruned::toString);
        assertTrue(pruned.get("freedBytes").getAsLong() > 10 << 20);
        assertEquals(
                0,
                barchan.call("template", "list").expect(0).out().lines().skip(1).count());
    }

    @Test
    void prune_whileSandboxesGoOn_breaksNone() throws Exception {
        for (int i = 0; i < 2; i++) {
            List<Running> runs = List.of(
                    barchan.start("run", "--verbose", "--", "echo", "one"),
                    barchan.start("run", "--verbose", "--", "echo", "two"));
            runs.get(i % 2).awaitErr("booting Linux");

            barchan.call("template", "prune", "--all").expect(0);

            assertEquals("one\n", runs.get(0).result().expect(0).out());
            assertEquals("two\n", runs.get(1).result().expect(0).out());
            barchan.call("template", "build").expect(0);
        }
    }

    private static Result call(List<String> verb, List<String> kind, List<String> rest) {
        return barchan.call(Stream.of(verb, kind, rest).flatMap(List::stream).toArray(String[]::new));
    }

    private static JsonObject listed(String id) {
        return barchan
                .call("template", "list", "--output", "json")
                .expect(0)
                .json()
                .getAsJsonArray("templates")
                .asList()
                .stream()
                .map(JsonElement::getAsJsonObject)
                .filter(template -> template.get("id").getAsString().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private static void awaitNoMachine() {
        barchan.processes(HostProcess.Kind.QEMU).forEach(machine -> machine.awaitEnd(Barchan.CLEANED));
    }

    private static Result run(String script) {
        return barchan.call("run", "--verbose", "--", "sh", "-c", script);
    }

    /** Waits until there is a template. */
    private static void await() throws Exception {
        long deadline = System.nanoTime() + MADE.toNanos();
        while (templates().isEmpty()) {
            assertTrue(
                    System.nanoTime() < deadline,
                    () -> "no template\n" + barchan.installation().agentLog());
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static List<Path> templates() throws IOException {
        Path directory = barchan.installation().state().resolve("templates");
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9a-f]+"))
                    .toList();
        }
    }
}
