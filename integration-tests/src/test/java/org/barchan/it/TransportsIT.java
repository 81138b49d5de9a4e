package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a directory of the host by each transport, in each mode, for root and others. */
class TransportsIT {
    private static final int NOBODY = 65534;

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    Path scratch;

    private Path directory = Path.of("/nonexistent");

    @BeforeEach
    void fill() throws IOException {
        directory = SharedDirectory.in(scratch);
        Path another = Files.writeString(directory.resolve("long"), "host\n");
        Files.setPosixFilePermissions(another, PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    @ParameterizedTest
    @CsvSource({"9p, 0", "9p, 65534", "virtiofs, 0", "virtiofs, 65534"})
    void readOnly_isReadAndTakesNothing(String transport, int user) throws IOException {
        Map<String, String> before = inventory();

        Result result = run(transport, "ro", user, """
                cat /srv/file /srv/sub/file; ls /srv; stat -c '%U %a' /srv/file
                echo x > /srv/new; echo x >> /srv/file; rm /srv/file; mkdir /srv/d; chmod 600 /srv/file; ln -s x /srv/l
                """);

        assertEquals(
                "host\nbelow\nfile\nlong\nsub\n" + owner(directory.resolve("file")) + " 666\n",
                result.out(),
                result::toString);
        assertEquals(6, result.err().split("Read-only file system", -1).length - 1, result::toString);
        assertEquals(before, inventory());
    }

    @ParameterizedTest
    @CsvSource({"9p, 0", "9p, 65534", "virtiofs, 0", "virtiofs, 65534"})
    void overlay_takesAllAndLeavesTheHostAlone(String transport, int user) throws IOException {
        Map<String, String> before = inventory();

        Result result = run(transport, "overlay", user, """
                echo more >> /srv/file; echo new > /srv/long; rm -r /srv/sub; mkdir /srv/d; mv /srv/long /srv/d/moved
                cat /srv/file /srv/d/moved; ls /srv
                """);

        assertEquals("host\nmore\nnew\nd\nfile\n", result.out(), result::toString);
        assertEquals(before, inventory());
    }

    /** Root writes as QEMU's user by 9p, and as itself by virtiofs; all others as they are by the latter. */
    @ParameterizedTest
    @CsvSource({"9p, 0", "virtiofs, 0", "virtiofs, 65534"})
    void readWrite_isOnTheHost(String transport, int user) throws IOException {
        Result result = run(transport, "rw", user, """
                umask 022; echo new > /srv/new; mkdir /srv/d; mv /srv/new /srv/d/moved; ln -s moved /srv/d/link
                echo more >> /srv/file; rm -r /srv/sub; head -c 3000000 /dev/zero > /srv/zeros; sync; cat /srv/d/link
                """);

        assertEquals("new\n", result.out(), result::toString);
        assertEquals("host\nmore\n", Files.readString(directory.resolve("file")));
        assertEquals("new\n", Files.readString(directory.resolve("d/moved")));
        assertEquals("rw-r--r--", permissions("d/moved"));
        assertEquals("rwxr-xr-x", permissions("d"));
        assertEquals(Path.of("moved"), Files.readSymbolicLink(directory.resolve("d/link")));
        assertEquals(3_000_000, Files.size(directory.resolve("zeros")));
        assertFalse(Files.exists(directory.resolve("sub")));
        if (Root.isRoot()) {
            Object owner = transport.equals("virtiofs") ? user : qemuUser();
            assertEquals(owner, Files.getAttribute(directory.resolve("d/moved"), "unix:uid"));
        }
    }

    @Test
    void virtiofs_root_writesWhatIsRootsAloneButNoPrograms() throws IOException {
        Root.required("files that are root's");
        Path closed = Files.createDirectory(
                directory.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.writeString(closed.resolve("file"), "root's\n");

        // Without a word on transports: root's sandbox writes as root.
        Result result = runWith(List.of("--privileged", "-m", "type=bind,src=" + closed + ",dst=/srv,rw"), """
                cat /srv/file; echo changed > /srv/file; echo x > /srv/new; chown 1234:1234 /srv/new; chmod 0751 /srv/new
                chmod u+s /srv/new; chmod g+s /srv/new; mknod /srv/null c 1 3; mknod /srv/disk b 8 0; mkdir -m 2755 /srv/g
                stat -c '%u:%g %a' /srv/new
                """);

        assertEquals("root's\n1234:1234 751\n", result.out(), result::toString);
        assertEquals("changed\n", Files.readString(closed.resolve("file")));
        assertEquals(1234, Files.getAttribute(closed.resolve("new"), "unix:uid"));
        assertEquals(0100751, Files.getAttribute(closed.resolve("new"), "unix:mode"));
        assertFalse(Files.exists(closed.resolve("null")), result::toString);
        assertFalse(Files.exists(closed.resolve("disk")), result::toString);
        try (Stream<Path> files = Files.walk(closed)) {
            for (Path file : files.toList()) {
                assertEquals(0, (Integer) Files.getAttribute(file, "unix:mode") & 06000, file::toString);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"9p", "virtiofs"})
    void rootOfTheSandbox_isReadOnlyAndMasked(String transport) {
        Result result = runWith(
                List.of("--root-transport", transport),
                "awk '$2 == \"/\" { print $3 }' /proc/mounts; wc -c < /etc/shadow; touch /etc/x || echo refused");

        assertEquals(transport + "\n0\nrefused\n", result.out(), result::toString);
        barchan.awaitNoSandbox();
        assertEquals(List.of(), barchan.processes(HostProcess.Kind.QEMU));
    }

    @Test
    void file_byVirtiofs_isThatFileAlone() {
        Result result = runWith(
                List.of("-m", "type=bind,src=" + directory.resolve("file") + ",dst=/made/one,ro,transport=virtiofs"),
                "cat /made/one; ls /made; echo x > /made/one");

        assertEquals("host\none\n", result.out(), result::toString);
        result.expectStderr("Read-only file system");
    }

    @Test
    void verbose_saysWhatIsSharedByWhatAndWhy() {
        Result result = barchan.call(
                        "run", "--verbose", "-m", "type=bind,src=" + directory + ",dst=/srv,transport=9p", "--", "true")
                .expect(0);

        result.expectStderr("sharing / by (9p|virtiofs): ", "sharing " + directory + " by 9p: as ordered");
    }

    private static int qemuUser() throws IOException {
        return Files.readAllLines(Path.of("/etc/passwd")).stream()
                .map(line -> line.split(":", -1))
                .filter(fields -> fields[0].equals("libvirt-qemu"))
                .map(fields -> Integer.valueOf(fields[2]))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no user libvirt-qemu: call 'make setup' first"));
    }

    private static String owner(Path file) throws IOException {
        return Files.getOwner(file).getName();
    }

    private String permissions(String name) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(name)));
    }

    private Result run(String transport, String mode, int user, String script) {
        List<String> options = new ArrayList<>();
        options.addAll(List.of("-m", "type=bind,src=" + directory + ",dst=/srv," + mode + ",transport=" + transport));
        if (user == NOBODY) {
            Root.required("another user");
            options.addAll(List.of("--user", "nobody"));
        } else if (Root.isRoot() && mode.equals("rw") && transport.equals("9p")) {
            // What is made there is QEMU's user's, and root as it is in a sandbox may not change it.
            options.add("--privileged");
        }
        return runWith(options, script);
    }

    private static Result runWith(List<String> options, String script) {
        List<String> arguments = new ArrayList<>(List.of("run", "--cwd", "/"));
        arguments.addAll(options);
        arguments.addAll(List.of("--", "sh", "-c", script));
        return barchan.call(arguments.toArray(String[]::new));
    }

    private Map<String, String> inventory() throws IOException {
        return SharedDirectory.inventory(directory);
    }
}
