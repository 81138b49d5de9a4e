package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images of the host as file systems, as disks, and as the root of a sandbox. */
class ImagesIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private final Path scratch;
    private final DiskImages images;

    ImagesIT(@TempDir(factory = InScratch.class) Path scratch) throws IOException {
        this.scratch = scratch;
        images = new DiskImages(scratch);
    }

    @Test
    void source_thatDoesNotDo_isNamedWithTheRemedy() throws Exception {
        Path raw = images.empty("raw", 1 << 20);
        Path nothing = images.empty("nothing", 0);
        Path backed = scratch.resolve("backed.qcow2");
        DiskImages.tool(
                "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw.toString(), backed.toString());
        Path split = scratch.resolve("split.qcow2");
        DiskImages.tool(
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                "data_file=" + scratch + "/data",
                split.toString(),
                "1M");
        Path link = Files.createSymbolicLink(scratch.resolve("link"), raw);
        Path disguised = Files.copy(images.qcow2(raw), scratch.resolve("disguised"));

        refused(scratch.resolve("no")).expectStderr("/no on /mnt: it is not there");
        refused(scratch).expectStderr("it is a directory .expected: a regular file.. Mount it with type=bind");
        refused(link).expectStderr("symbolic link.*leads to: " + raw);
        refused(Path.of("/dev/zero")).expectStderr("it is neither a directory nor a regular file");
        refused(nothing).expectStderr("it is empty");
        refused(backed).expectStderr("it has a backing file.*qemu-img convert");
        refused(split).expectStderr("its data lie in another file");
        refused(disguised).expectStderr("it looks like the format qcow2.*Order format=qcow2");
        refused(Path.of(raw + ",format=qcow2")).expectStderr("it is no qcow2 image");
        refused(raw).expectStderr("no file system was found in the image .expected: ext4");
        try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
            file.seek(510);
            file.write(new byte[] {0x55, (byte) 0xaa});
        }
        refused(raw).expectStderr("the image has a table of partitions");
        refused(Path.of(disguised + ",format=raw")).expectStderr("no file system was found");
        barchan.awaitNoSandbox();
    }

    private Result refused(Path image) {
        return barchan.call("run", "-m", "type=image,src=" + image + ",dst=/mnt", "--", "true")
                .expect(125);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "btrfs", "squashfs", "erofs"})
    void image_readOnly_isSeenAndStaysAsItIs(String type) throws Exception {
        Path image = images.of(type);
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-------"));
        byte[] before = Files.readAllBytes(image);
        Map<String, Object> facts = facts(image);

        Result result = run(List.of("-m", mount(image, "/mnt", "ro")), "cat /mnt/hello; echo x > /mnt/x");

        assertEquals("hello\n", result.out(), result::toString);
        result.expectStderr("Read-only file system");
        assertArrayEquals(before, Files.readAllBytes(image));
        assertEquals(facts, facts(image));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "squashfs"})
    void image_overlay_takesAnythingAndStaysAsItIs(String type) throws Exception {
        Path image = images.of(type);
        byte[] before = Files.readAllBytes(image);

        Result result = run(List.of("-p", "-m", mount(image, "/mnt", "overlay,size=1M")), """
                echo more >> /mnt/hello; cat /mnt/hello; mv /mnt/sub /mnt/moved; ls /mnt/moved && echo there
                head -c 3000000 /dev/zero > /mnt/zeros
                """);

        assertEquals("hello\nmore\nthere\n", result.out(), result::toString);
        result.expectStderr("No space left on device");
        assertArrayEquals(before, Files.readAllBytes(image));
    }

    @ParameterizedTest
    @CsvSource({"ext4, raw", "ext4, qcow2", "xfs, raw", "btrfs, raw"})
    void image_readWrite_isWholeWhenTheCommandHasEnded(String type, String format) throws Exception {
        Path image = images.of(type);
        if (format.equals("qcow2")) {
            image = images.qcow2(image);
        }
        Map<String, Object> facts = facts(image);

        // The child lives on, with a file open for writing.
        run(List.of("-p", "-m", mount(image, "/mnt", "rw")), """
                head -c 30000000 /dev/urandom > /mnt/random; sha256sum < /mnt/random > /mnt/sum; chown 1234:567 /mnt/sum
                sh -c 'trap "" TERM HUP; exec > /mnt/open; while :; do sleep 1; done' < /dev/null 2> /dev/null &
                """).expect(0);

        Path written = image;
        if (format.equals("qcow2")) {
            written = scratch.resolve("back.img");
            DiskImages.tool("qemu-img", "check", "-q", image.toString());
            DiskImages.tool("qemu-img", "convert", "-O", "raw", image.toString(), written.toString());
        }
        DiskImages.checkWhole(type, written);
        Result again = run(
                List.of("-m", mount(image, "/mnt", "ro")),
                "sha256sum < /mnt/random | cmp - /mnt/sum && stat -c %u:%g /mnt/sum");
        assertEquals("1234:567\n", again.out(), again::toString);
        assertFalse(again.err().contains("warning: \"mount"), again::toString);
        assertEquals(facts, facts(image));
    }

    @Test
    void image_whoseSandboxIsDeleted_isWhole() throws Exception {
        Path image = images.of("ext4");
        try (Running run = launch(
                List.of("-n", "box", "-p", "-m", mount(image, "/mnt", "rw")),
                "head -c 30000000 /dev/urandom > /mnt/random; echo written; while :; do date >> /mnt/dates; done")) {
            run.awaitOut("written\n");
            barchan.call("delete", "box").expect(0);
            run.result().expect(125);
        }

        DiskImages.checkWhole("ext4", image);
    }

    @Test
    void image_whoseMachineWasKilled_isMendedByAWritableMount() throws Exception {
        Path image = images.of("ext4");
        try (Running run = launch(
                List.of("-p", "-m", mount(image, "/mnt", "rw")),
                "echo kept > /mnt/kept; sync; echo written; read line")) {
            run.awaitOut("written\n");
            barchan.processes(HostProcess.Kind.QEMU).getFirst().kill();
            run.result().expect(125);
        }

        run(List.of("-m", mount(image, "/mnt", "ro")), "cat /mnt/hello")
                .expect(0)
                .expectStderr("warning: .*not unmounted in good order.*Mount it rw once to mend it");
        Result mended = run(List.of("-m", mount(image, "/mnt", "rw")), "cat /mnt/kept");
        assertEquals("kept\n", mended.out(), mended::toString);
        DiskImages.checkWhole("ext4", image);
    }

    @Test
    void image_ofWhichTwoSandboxesKnow_isWrittenByOneAlone() throws Exception {
        Path image = images.of("ext4");
        try (Running run = launch(List.of("-m", mount(image, "/mnt", "rw")), "echo runs; read line")) {
            run.awaitOut("runs\n");
            for (String mode : List.of("rw", "ro")) {
                barchan.call("run", "-m", mount(image, "/mnt", mode), "--", "true")
                        .expect(125)
                        .expectStderr("mounting the image " + image + " on /mnt: .*lock", "the image is in use");
            }
            run.write("\n").result().expect(0);
        }
        try (Running run = launch(List.of("-m", mount(image, "/mnt", "ro")), "echo runs; read line")) {
            run.awaitOut("runs\n");
            run(List.of("-m", mount(image, "/mnt", "ro")), "cat /mnt/hello").expect(0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ro", "overlay", "rw"})
    void rootImage_isTheRoot(String mode) throws Exception {
        Path tree = smallRoot();
        Path image = images.of("ext4", tree);
        Path shared = SharedDirectory.in(Files.createDirectory(scratch.resolve("shared")));

        Result result = barchan.call(
                "run",
                "-p",
                "-m",
                mount(image, "/", mode),
                "-m",
                "type=bind,src=" + shared + ",dst=/made/for/it",
                "--",
                "/bin/sh",
                "-c",
                "read line < /mark; echo $line; read line < /made/for/it/file; echo $line; test -e /proc/self && echo proc;"
                        + " echo x > /new && echo written; test -e /usr/lib || echo alone");

        assertEquals(
                "mark\nhost\nproc\n" + (mode.equals("ro") ? "" : "written\n") + "alone\n",
                result.out(),
                result::toString);
        DiskImages.checkWhole("ext4", image);
        String names = DiskImages.tool("debugfs", "-R", "ls /", image.toString());
        assertEquals(mode.equals("rw"), names.contains("new"), names);
        assertEquals(mode.equals("rw"), names.contains("made"), names);
    }

    /** A shell with what it needs. */
    private Path smallRoot() throws IOException {
        Path tree = scratch.resolve("root");
        for (String file : List.of("/bin/sh", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")) {
            Path copy = tree.resolve(file.substring(1));
            Files.createDirectories(copy.getParent());
            Files.copy(Path.of(file).toRealPath(), copy, StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.writeString(tree.resolve("mark"), "mark\n");
        return tree;
    }

    @Test
    void disks_moreThanTheAlphabetHasLetters_areTheUsers() throws Exception {
        List<String> options = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Path image = images.empty("disk" + i, 1 << 20);
            Files.writeString(image, "number " + i + "\n" + " ".repeat((1 << 20) - 16));
            options.addAll(List.of("--disk", "tag=tag." + i + ",src=" + image + (i == 39 ? ",rw" : ",ro")));
        }
        options.addAll(List.of("--user", "1234:567"));

        Result result = run(options, """
                cd /dev/disk/by-tag; ls | wc -l
                for i in $(seq 0 39); do head -n 1 tag.$i; done
                stat -L -c '%u:%g %a' tag.0 tag.39
                echo x > tag.0
                printf written | dd of=tag.39 conv=notrunc,fsync 2> /dev/null && echo done
                """);

        StringBuilder expected = new StringBuilder("40\n");
        IntStream.range(0, 40).forEach(i -> expected.append("number ").append(i).append('\n'));
        assertEquals(expected + "1234:567 400\n1234:567 600\ndone\n", result.out(), result::toString);
        result.expectStderr("cannot create tag.0");
        assertEquals("written", head(scratch.resolve("disk39"), 7));
        assertEquals("number 0", head(scratch.resolve("disk0"), 8));
    }

    @Test
    void disk_withPartitions_hasEachByItsNumber() throws Exception {
        Path image = images.empty("parts", 4 << 20);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            // Two entries of a table: type 0x83, from which sector, how many.
            byte[] entries = {
                0, 0, 0, 0, (byte) 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0,
                0, 0, 0, 0, (byte) 0x83, 0, 0, 0, 0, 16, 0, 0, 0, 8, 0, 0
            };
            file.seek(446);
            file.write(entries);
            file.seek(510);
            file.write(new byte[] {0x55, (byte) 0xaa});
            file.seek(2048 * 512);
            file.write("first\n".getBytes(StandardCharsets.UTF_8));
        }

        // As virt-sandbox(1) had it: it is written to.
        Result result = run(
                List.of("--disk", "file:data=" + image),
                "ls /dev/disk/by-tag; head -n 1 /dev/disk/by-tag/data-part1; printf second > /dev/disk/by-tag/data-part2");

        assertEquals("data\ndata-part1\ndata-part2\nfirst\n", result.out(), result::toString);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            byte[] read = new byte[6];
            file.seek(4096 * 512);
            file.readFully(read);
            assertEquals("second", new String(read, StandardCharsets.UTF_8));
        }
    }

    @Test
    void disk_onAHostThatIsFull_isAnErrorOfTheCommand() throws Exception {
        Root.required("mounting");
        Path small = Files.createDirectory(scratch.resolve("small"));
        DiskImages.tool("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small.toString());
        try {
            Path image = new DiskImages(small).empty("full", 64 << 20);
            Result direct = run(
                    List.of("--disk", "tag=full,src=" + image + ",rw"),
                    "dd if=/dev/urandom of=/dev/disk/by-tag/full bs=1M count=8 conv=fsync; echo status $?");
            assertEquals("status 1\n", direct.out(), direct::toString);
            direct.expectStderr("Input/output error");
            // What the command does not wait for is told all the same.
            run(
                            List.of("--disk", "tag=full,src=" + image + ",rw"),
                            "dd if=/dev/urandom of=/dev/disk/by-tag/full bs=1M count=8")
                    .expect(0)
                    .expectStderr("warning: an image may lack what was written.*disk full.*EIO");
        } finally {
            DiskImages.tool("umount", small.toString());
        }
    }

    @Test
    void image_thatQemusUserMayNotWriteTo_saysWhatToDo() throws Exception {
        Root.required("QEMU is another user");
        Path image = images.of("ext4");
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-------"));

        barchan.call("run", "-m", mount(image, "/mnt", "rw"), "--", "true")
                .expect(125)
                .expectStderr("may not write there. Give that user the right to .setfacl");
    }

    @Test
    void sandbox_withoutDisks_hasNoDriverOfThem() {
        Result result = run(List.of(), "grep -c virtio_blk /proc/modules; ls /sys/block");
        assertEquals("0\n", result.out(), result::toString);
    }

    private static String mount(Path image, String target, String mode) {
        return "type=image,src=" + image + ",dst=" + target + "," + mode;
    }

    private static Map<String, Object> facts(Path image) throws IOException {
        return Files.readAttributes(image, "unix:mode,uid,gid");
    }

    private static String head(Path file, int bytes) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r")) {
            byte[] read = new byte[bytes];
            opened.readFully(read);
            return new String(read, StandardCharsets.UTF_8);
        }
    }

    private static Running launch(List<String> options, String script) {
        return Barchan.launch(barchan.builder(arguments(options, script)));
    }

    private static Result run(List<String> options, String script) {
        return barchan.call(arguments(options, script));
    }

    private static String[] arguments(List<String> options, String script) {
        return Stream.of(List.of("run", "--cwd", "/"), options, List.of("--", "sh", "-c", script))
                .flatMap(List::stream)
                .toArray(String[]::new);
    }
}
