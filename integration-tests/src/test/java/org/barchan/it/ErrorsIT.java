package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong is said clearly, and leaves nothing behind. */
class ErrorsIT {
    /** The exit status that says that Barchan failed, not the command. */
    private static final int BARCHAN_FAILED = 125;

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private static Inventory before = Inventory.EMPTY;

    @BeforeAll
    static void makeAllThatStays() {
        barchan.call("run", "--", "true").expect(0);
        barchan.awaitNoSandbox();
        before = barchan.inventory();
    }

    @AfterEach
    void nothingIsLeftBehind() {
        before.awaitSame(barchan.installation(), Barchan.CLEANED);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            no-such-command-here     | 127 | no-such-command-here
            /no/such/file            | 127 | /no/such/file
            /etc/passwd              | 126 | /etc/passwd
            /etc                     | 126 | /etc
            """)
    void run_commandCannotStart_saysWhichAndExits(String command, int status, String named) {
        Result result = barchan.call("run", "--", command, "argument");
        result.expect(status).expectStderr("barchan: .*" + named);
        assertEquals("", result.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            --memory 0                 | memory
            --memory -1                | memory
            --memory lots              | memory
            --memory 1M                | memory.*128
            --vcpus 0                  | vcpus
            --env =value               | env
            --env ""                   | env
            --timeout -1               | timeout
            --timeout soon             | timeout
            --accel vax                | accel
            --name Not_A_Name          | name.*Not_A_Name
            --user no-such-user-here   | no-such-user-here
            --no-such-option           | no-such-option
            --kernel /no/such/kernel   | /no/such/kernel
            --kernel /etc/passwd       | /etc/passwd
            --kernel /etc              | /etc
            --kernel-modules /no/such  | kernel.modules
            --root /no/such/root       | /no/such/root
            --root /etc/passwd         | /etc/passwd
            --connect nonsense:///     | nonsense
            """)
    void run_badOption_saysWhichAndExits125(String options, String named) {
        String[] option = options.split(" ", 0);
        Stream<String> value = option.length == 1 ? Stream.of() : Stream.of(option[1].replace("\"\"", ""));
        String[] arguments = Stream.of(Stream.of("run", option[0]), value, Stream.of("--", "true"))
                .flatMap(part -> part)
                .toArray(String[]::new);
        Result result = barchan.call(arguments);
        result.expect(BARCHAN_FAILED).expectStderr(named);
        assertEquals("", result.out());
    }

    @Test
    void run_noCommand_saysSo() {
        barchan.call("run").expect(BARCHAN_FAILED).expectStderr("command");
        barchan.call("no-such-verb").expect(BARCHAN_FAILED).expectStderr("no-such-verb");
    }

    @Test
    void run_rootWithoutTheCommand_saysWhichCommand(@TempDir(factory = InScratch.class) Path root) throws IOException {
        for (String name : List.of("proc", "sys", "dev")) {
            Files.createDirectory(root.resolve(name));
        }
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        barchan.call("run", "--root", root.toString(), "--", "/bin/true")
                .expect(127)
                .expectStderr("/bin/true");
    }

    @Test
    void run_rootThatCannotBeRead_saysSo(@TempDir(factory = InScratch.class) Path root) throws IOException {
        // Root itself could read it; QEMU, which serves it, runs as a user who can't.
        Path secret = Files.createDirectory(root.resolve("secret"));
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
        barchan.call("run", "--root", secret.toString(), "--", "/bin/true")
                .expect(BARCHAN_FAILED)
                .expectStderr(secret.toString());
    }

    @Test
    void run_kernelWithout9p_runsByVirtiofsAlone() throws IOException {
        Optional<Path> cloud;
        try (Stream<Path> images = Files.list(Path.of("/boot"))) {
            cloud = images.filter(image -> image.getFileName().toString().matches("vmlinuz-.*-cloud-.*"))
                    .max(Comparator.naturalOrder());
        }
        assertTrue(cloud.isPresent(), "no cloud kernel in /boot: call 'make setup' first");
        barchan.call("run", "--kernel", cloud.get().toString(), "--root-transport", "9p", "--", "true")
                .expect(BARCHAN_FAILED)
                .expectStderr("by 9p: the kernel .*-cloud-.* has no module 9p. Choose another kernel, or transport");
        Result result = barchan.call("run", "--kernel", cloud.get().toString(), "--", "uname", "-r")
                .expect(0);
        assertTrue(result.out().contains("-cloud-"), result::toString);
    }

    @Test
    void run_nameInUse_saysSoAndLeavesTheOtherAlone() {
        try (Running first = barchan.start("run", "--name", "taken", "--", "sh", "-c", "echo here; exec sleep 600")) {
            first.awaitOut("here");
            barchan.call("run", "--name", "taken", "--", "true")
                    .expect(BARCHAN_FAILED)
                    .expectStderr("taken");
            assertEquals(List.of("taken"), barchan.sandboxNames());
            barchan.call("delete", "taken").expect(0);
            first.result().expect(BARCHAN_FAILED).expectStderr("deleted");
        }
    }

    @Test
    void delete_unknownName_saysSo() {
        barchan.call("delete", "nobody-here").expect(BARCHAN_FAILED).expectStderr("nobody-here");
    }
}
