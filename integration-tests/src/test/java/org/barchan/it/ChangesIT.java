package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What sandboxes have written to overlays, listed and exported. */
class ChangesIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private final Path scratch;
    private final Path directory;
    private final Path archive;

    ChangesIT(@TempDir(factory = InScratch.class) Path scratch) throws IOException {
        this.scratch = scratch;
        this.directory = SharedDirectory.in(scratch);
        this.archive = scratch.resolve("changes.tar");
    }

    @Test
    void diff_ofWhatHasNone_saysSo() {
        barchan.call("diff", "nobody").expect(125).expectStderr("nobody");
        try (Running run = launch("echo ready; read line", "-n", "plain")) {
            run.awaitOut("ready\n");
            assertEquals("", barchan.call("diff", "plain").expect(0).out());
            assertEquals(
                    0,
                    barchan.call("diff", "--output", "json", "plain")
                            .expect(0)
                            .json()
                            .getAsJsonArray("changes")
                            .size());
            run.write("\n").result().expect(0);
        }
    }

    @Test
    void diff_ofAnOverlay_saysWhatWasDone() throws Exception {
        Map<String, String> before = SharedDirectory.inventory(directory);
        String script = """
                cd /srv; echo new > new; echo more >> file; rm sub/file; mkdir -p d/e; ln -s /etc/passwd d/link; mkfifo d/fifo
                echo x > "$(printf 'a\\nb\\\\c\\377')"; chmod 640 new; echo ready; read line
                """;
        try (Running run = launch(script, "-p", "-n", "box", "-m", overlay("/srv"))) {
            run.awaitOut("ready\n");

            Result text = barchan.call("diff", "box").expect(0);
            JsonObject json =
                    barchan.call("diff", "--output", "json", "box").expect(0).json();
            run.write("\n").result().expect(0);

            assertEquals("""
                    A            2 /srv/a\\012b\\\\c\377
                    A            - /srv/d/
                    C           10 /srv/file
                    A            4 /srv/new
                    A            - /srv/d/e/
                    A            - /srv/d/fifo
                    A            - /srv/d/link
                    D            - /srv/sub/file
                    """, new String(text.outBytes(), StandardCharsets.ISO_8859_1), text::toString);
            JsonObject added = json.getAsJsonArray("changes").get(3).getAsJsonObject();
            assertEquals(
                    "/srv/new added regular 640 0 4",
                    Stream.of("path", "kind", "type", "mode", "uid", "sizeBytes")
                            .map(member -> added.get(member).getAsString())
                            .collect(Collectors.joining(" ")));
            assertEquals(
                    "L3Nydi9hCmJcY/8=",
                    json.getAsJsonArray("changes")
                            .get(0)
                            .getAsJsonObject()
                            .getAsJsonObject("path")
                            .get("base64")
                            .getAsString());
        }
        assertEquals(before, SharedDirectory.inventory(directory), "nothing is applied");
    }

    @Test
    void export_afterTheCommand_isALayer() throws Exception {
        Path copied = Files.writeString(scratch.resolve("copied"), "source\n");
        String script = """
                head -c 3000000 /dev/urandom > /srv/random; sha256sum < /srv/random
                rm -r /srv/sub; mkdir /srv/sub; echo again > /srv/sub/again; rm /srv/file
                chmod 750 /srv/sub; echo root > /etc/of-the-sandbox; echo over >> /etc/copied; exit 7
                """;

        Result result = run(
                        script,
                        "-p",
                        "--root-mode",
                        "overlay",
                        "-m",
                        overlay("/srv"),
                        "-i",
                        "/etc/copied=" + copied,
                        "--export-changes",
                        archive.toString())
                .expect(7);

        Set<String> names =
                DiskImages.tool("tar", "-tf", archive.toString()).lines().collect(Collectors.toSet());
        assertEquals(
                Set.of(
                        "etc/of-the-sandbox",
                        "etc/copied",
                        "srv/.wh.file",
                        "srv/random",
                        "srv/sub/",
                        "srv/sub/.wh..wh..opq",
                        "srv/sub/again"),
                // The root's overlay has the place that the file is mounted on.
                names,
                () -> names + result.toString());
        Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
        DiskImages.tool("tar", "-C", unpacked.toString(), "-xf", archive.toString());
        assertEquals(
                result.out().strip(),
                DiskImages.tool("sh", "-c", "sha256sum < " + unpacked.resolve("srv/random"))
                        .strip());
        assertEquals("source\nover\n", Files.readString(unpacked.resolve("etc/copied")));
        assertEquals(
                "rwxr-x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(unpacked.resolve("srv/sub"))));
        assertEquals("source\n", Files.readString(copied));
        assertEquals(List.of(), parts());
    }

    @Test
    void export_toStandardOutput_isTheSame() throws Exception {
        try (Running run =
                launch("echo x > /srv/new; echo ready; read line", "-p", "-n", "out", "-m", overlay("/srv"))) {
            run.awaitOut("ready\n");
            byte[] out = barchan.call("diff", "--tar", "-", "out").expect(0).outBytes();
            barchan.call("diff", "--tar", archive.toString(), "out").expect(0);
            assertArrayEquals(out, Files.readAllBytes(archive));
            assertEquals("srv/new\n", DiskImages.tool("tar", "-tf", archive.toString()));
            barchan.call("diff", "--tar", "/nonexistent/x", "out").expect(125).expectStderr("writing /nonexistent/x");
            run.write("\n").result().expect(0);
        }
    }

    @Test
    void export_whereNothingCanBeWritten_failsBeforeTheCommand() throws Exception {
        run("echo ran", "--export-changes", "/nonexistent/x").expect(125).expectStderr("writing /nonexistent/x");
        run("exit 3", "--export-changes", archive.toString()).expect(3);
        assertEquals("", DiskImages.tool("tar", "-tf", archive.toString()));
    }

    @Test
    void export_whileLinksTakeThePlaceOfDirectories_staysInTheOverlay() throws Exception {
        String script = """
                echo ready
                while :; do
                    mkdir /srv/a; echo in > /srv/a/init; mkdir /srv/a/proc; rm -r /srv/a; ln -s / /srv/a; rm /srv/a
                done
                """;
        try (Running run = launch(script, "-p", "-n", "swap", "-m", overlay("/srv"))) {
            run.awaitOut("ready\n");
            for (int i = 0; i < 20; i++) {
                barchan.call("diff", "--tar", archive.toString(), "swap").expect(0);
                String names = DiskImages.tool("tar", "-tf", archive.toString());
                assertTrue(
                        Set.of("srv/a", "srv/a/", "srv/a/init", "srv/a/proc/")
                                .containsAll(names.lines().toList()),
                        names);
                String content = DiskImages.tool("tar", "-xOf", archive.toString());
                assertTrue(
                        content.isEmpty()
                                || content.equals("in\n")
                                || content.chars().allMatch(c -> c == 0),
                        content);
            }
            barchan.call("delete", "swap").expect(0);
            run.result();
        }
        assertFalse(Files.exists(directory.resolve("a"), LinkOption.NOFOLLOW_LINKS));
    }

    private List<Path> parts() throws IOException {
        try (Stream<Path> files = Files.list(scratch)) {
            return files.filter(file -> file.toString().endsWith(".part")).toList();
        }
    }

    private String overlay(String target) {
        return "type=bind,src=" + directory + ",dst=" + target + ",overlay";
    }

    private static Running launch(String script, String... options) {
        return Barchan.launch(barchan.builder(arguments(script, options)));
    }

    private static Result run(String script, String... options) {
        return barchan.call(arguments(script, options));
    }

    private static String[] arguments(String script, String... options) {
        return Stream.of(List.of("run", "--cwd", "/"), List.of(options), List.of("--", "sh", "-c", script))
                .flatMap(List::stream)
                .toArray(String[]::new);
    }
}
