package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether directories of the host are file systems as programs expect them: {@code filesystem-check.c} says what that is. */
class FileSystemIT {
    /** QEMU's 9p server makes neither FIFOs nor sockets, and knows files by their names alone. */
    private static final List<String> NINEP_DIFFERS = List.of(
            "ftruncate of what is unlinked: ENOENT",
            "the times: not so",
            "the owner: not so",
            "mkfifo: ENXIO",
            "lstat fifo: ENOENT",
            "a FIFO: not so",
            "unlink: ENOENT",
            "bind: ENXIO",
            "listen: EINVAL",
            "connect: ENOENT",
            "unlink: ENOENT");

    /** What root makes is QEMU's user's. */
    private static final String NINEP_DIFFERS_FOR_ROOT = "the owner: not so";

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    Path scratch;

    private Path directory = Path.of("/nonexistent");
    private Path program = Path.of("/nonexistent");

    @BeforeEach
    void build() throws IOException, InterruptedException {
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
        directory = Files.createDirectory(scratch.resolve("dir"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        program = scratch.resolve("filesystem-check");
        Path source = Installation.sourceTree().resolve("integration-tests/src/test/c/filesystem-check.c");
        Process compiler = new ProcessBuilder("gcc", "-O2", "-o", program.toString(), source.toString())
                .inheritIO()
                .start();
        assertEquals(0, compiler.waitFor(), "gcc");
    }

    @ParameterizedTest
    @CsvSource({"9p, rw", "virtiofs, rw", "9p, overlay", "virtiofs, overlay"})
    void calls_doWhatTheyShould(String transport, String mode) throws IOException {
        List<String> expected =
                new ArrayList<>(transport.equals("9p") && mode.equals("rw") ? NINEP_DIFFERS : List.of());
        if (!Root.isRoot()) {
            expected.remove(NINEP_DIFFERS_FOR_ROOT);
        }
        expected.add("done");

        Result result = check(transport, mode, "posix", "/mnt");

        assertEquals(expected, result.out().lines().toList(), result::toString);
        assertEquals(List.of(), left());
    }

    /** What has the same name, size and inode, too. */
    @ParameterizedTest
    @CsvSource({"virtiofs, ro", "9p, rw", "virtiofs, rw"})
    void whatTheHostChanges_isSeenSoon(String transport, String mode) throws IOException {
        Path file = directory.resolve("file");
        Files.writeString(file, "one\n");
        String untilChanged = "cat /mnt/file; until [ \"$(cat /mnt/file)\" = two ]; do sleep 0.1; done; echo changed";
        try (Running sandbox = barchan.start(
                "run",
                "--mount",
                "type=bind,src=" + directory + ",dst=/mnt," + mode + ",transport=" + transport,
                "--",
                "sh",
                "-c",
                untilChanged)) {
            sandbox.awaitOut("one\n");
            Files.writeString(file, "two\n");
            assertEquals("one\nchanged\n", sandbox.result().expect(0).out());
        }
    }

    @ParameterizedTest
    @CsvSource({"9p, rw", "virtiofs, rw", "9p, overlay", "virtiofs, overlay"})
    void randomWritesAndReads_agree(String transport, String mode) throws IOException {
        Result result = check(transport, mode, "random", "/mnt", "1", "400");

        assertEquals("done\n", result.out(), result::toString);
        assertEquals(List.of(), left());
    }

    private Result check(String transport, String mode, String... arguments) {
        List<String> command = new ArrayList<>(List.of("run", "--cwd", "/"));
        if (Root.isRoot()) {
            command.add("--privileged");
        }
        command.addAll(
                List.of("-m", "type=bind,src=" + directory + ",dst=/mnt," + mode + ",transport=" + transport, "--"));
        command.add(program.toString());
        command.addAll(List.of(arguments));
        return barchan.call(command.toArray(String[]::new));
    }

    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(Path::toString).toList();
        }
    }
}
