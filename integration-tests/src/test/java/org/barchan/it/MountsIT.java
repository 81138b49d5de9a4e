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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a sandbox sees at places of its own, and what becomes of what is written there. */
class MountsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    Path scratch;

    private Path directory = Path.of("/nonexistent");

    @BeforeEach
    void fill() throws IOException {
        directory = SharedDirectory.in(scratch);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/proc/x", "/sys", "/dev/shm/x", "/", "/a/../b", "relative"})
    void target_whereNothingCanBeMounted_isRefused(String target) {
        barchan.call("run", "-m", "type=tmpfs,dst=" + target, "--", "true")
                .expect(125)
                .expectStderr("expected: ");
    }

    @Test
    void source_thatDoesNotDo_isNamedWithTheRemedy() throws Exception {
        barchan.call("run", "-m", bind(directory.resolve("no"), "/srv", "ro"), "--", "true")
                .expect(125)
                .expectStderr("dir/no on /srv: it is not there");
        Path fifo = directory.resolve("fifo");
        command("mkfifo", "-m", "666", fifo.toString());
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("sub"));
        barchan.call(
                        "run",
                        "-m",
                        bind(fifo, "/srv", "ro"),
                        "-m",
                        bind(link, "/srv", "ro"),
                        "-m",
                        bind(Path.of("/dev/zero"), "/srv", "ro"),
                        "-m",
                        bind(directory.resolve("file"), "/srv", "rw"),
                        "--",
                        "true")
                .expect(125)
                .expectStderr(
                        "mounting .*/fifo on /srv: it is neither a directory nor a regular file",
                        "mounting .*/link on /srv: .*symbolic link.*leads to: " + directory.resolve("sub"),
                        "mounting /dev/zero on /srv: it is neither");
        barchan.awaitNoSandbox();
        if (Root.isRoot()) {
            Path closed = Files.createDirectory(
                    scratch.resolve("closed"),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            barchan.call("run", "-m", bind(closed, "/srv", "ro"), "--", "true")
                    .expect(125)
                    .expectStderr("can't read .*closed", "chmod");
            Path owned = Files.createDirectory(scratch.resolve("owned"));
            barchan.call("run", "-m", bind(owned, "/srv", "rw,transport=9p"), "--", "true")
                    .expect(125)
                    .expectStderr("may not write there", "overlay");
        }
    }

    @Test
    void scratch_takesMoreThanTheMemory_andLeavesNothing() throws IOException {
        Map<String, String> before = inventory();
        Result result = run(
                List.of(
                        "-p",
                        "--memory",
                        "160M",
                        "--root-mode",
                        "scratch",
                        "-m",
                        bind(directory, "/srv", "scratch,size=8M")),
                """
                head -c 200000000 /dev/zero > /root-has-it && stat -c %s /root-has-it
                rm -r /srv/sub; head -c 20000000 /dev/zero > /srv/zeros; cat /srv/file; echo x > /srv/file; ls /srv
                """);

        assertEquals("200000000\nhost\nfile\nzeros\n", result.out(), result::toString);
        result.expectStderr("No space left on device");
        assertEquals(before, inventory());
        try (var left = Files.list(barchan.installation().state().resolve("scratch"))) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void guestBind_ofNothing_isNamed() {
        barchan.call("run", "-m", "type=guest-bind,src=/nothing/here,dst=/srv", "--", "true")
                .expect(125)
                .expectStderr("mount on /srv", "the sandbox has no /nothing/here");
    }

    @Test
    void bind_readOnly_isSeenWhereNothingWasAndTakesNothing() throws IOException {
        Map<String, String> before = inventory();

        Result result = run(List.of("-m", bind(directory, "/made/for/it", "ro")), """
                cat /made/for/it/file /made/for/it/sub/file
                echo x > /made/for/it/new; rm /made/for/it/file; mkdir /made/x; touch /etc/x
                """);

        assertEquals("host\nbelow\n", result.out());
        assertEquals(4, result.err().split("Read-only file system", -1).length - 1, result::toString);
        assertEquals(before, inventory());
        assertFalse(Files.exists(Path.of("/made")));
    }

    @Test
    void bind_readWrite_isWrittenOnTheHost() throws IOException {
        // QEMU is another user than root, and what it makes is that user's: root as it is in a sandbox may not change
        // it.
        List<String> options = new ArrayList<>(Root.isRoot() ? List.of("--privileged") : List.of());
        options.addAll(List.of("-m", bind(directory, "/srv", "rw")));
        Result result = run(options, """
                echo new > /srv/new; chmod 640 /srv/new; mkdir /srv/d; mv /srv/new /srv/d/moved; ln -s moved /srv/d/link
                echo more >> /srv/file; rm -r /srv/sub; head -c 3000000 /dev/zero > /srv/zeros; sync
                cat /srv/d/link; mkdir /srv/d && echo twice
                """);

        assertEquals("new\n", result.out(), result::toString);
        assertEquals("host\nmore\n", Files.readString(directory.resolve("file")));
        assertEquals("new\n", Files.readString(directory.resolve("d/moved")));
        assertEquals(
                "rw-r-----",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("d/moved"))));
        assertEquals(Path.of("moved"), Files.readSymbolicLink(directory.resolve("d/link")));
        assertEquals(3_000_000, Files.size(directory.resolve("zeros")));
        assertFalse(Files.exists(directory.resolve("sub")));
    }

    @Test
    void bind_readWrite_whatTheHostChangesIsSeen() throws IOException {
        try (Running run = Barchan.launch(barchan.builder(
                "run",
                "-m",
                bind(directory, "/srv", "rw"),
                "--",
                "sh",
                "-c",
                "cat /srv/file; read line; cat /srv/file; ls /srv"))) {
            run.awaitOut("host\n");
            Files.writeString(directory.resolve("file"), "changed\n");
            Files.createFile(directory.resolve("another"));
            Result result = run.write("\n").closeStdin().result().expect(0);
            assertEquals("host\nchanged\nanother\nfile\nsub\n", result.out());
        }
    }

    @Test
    void bind_ofAFile_isThatFileAlone() throws IOException {
        Path file = directory.resolve("file");
        Result result = run(
                List.of("-m", bind(file, "/made/one", "ro"), "-m", bind(file, "/etc/hostname", "rw")),
                "cat /made/one /etc/hostname; ls /made; echo x > /made/one; echo more >> /etc/hostname; cat /etc/hostname");

        assertEquals("host\nhost\none\nhost\nmore\n", result.out(), result::toString);
        result.expectStderr("cannot create /made/one: Read-only file system");
        assertEquals("host\nmore\n", Files.readString(file));
    }

    @Test
    void include_isACopy() throws IOException {
        Files.writeString(directory.resolve("list"), "# of copies\n\n/made/sub=" + directory.resolve("sub") + "\n");
        Map<String, String> before = inventory();

        Result result = run(
                List.of(
                        "-i",
                        "/etc/hostname=" + directory.resolve("file"),
                        "-I",
                        directory.resolve("list").toString()),
                """
                echo more >> /etc/hostname; cat /etc/hostname; stat -c %a /etc/hostname; echo new > /made/sub/new; cat /made/sub/*
                echo all > /etc/hostname; cat /etc/hostname
                """);

        assertEquals("host\nmore\n666\nbelow\nnew\nall\n", result.out(), result::toString);
        assertEquals(before, inventory());
    }

    @Test
    void bind_overlay_takesAllAndLeavesTheHostAlone() throws IOException {
        Map<String, String> before = inventory();

        Result result = run(List.of("-m", bind(directory, "/srv", "overlay,size=1M")), """
                echo more >> /srv/file; rm -r /srv/sub; mkdir /srv/d; echo new > /srv/d/new; cat /srv/file /srv/d/new; ls /srv
                head -c 2000000 /dev/zero > /srv/zeros || echo full; stat -c %a /srv
                """);

        assertEquals("host\nmore\nnew\nd\nfile\nfull\n777\n", result.out(), result::toString);
        result.expectStderr("No space left on device");
        assertEquals(before, inventory());
    }

    @Test
    void rootMode_overlay_takesAllAndLeavesTheHostAlone() throws IOException {
        String hostname = Files.readString(Path.of("/etc/hostname"));

        Result result = run(List.of("--root-mode", "overlay=1M"), """
                echo x >> /etc/hostname && tail -n 1 /etc/hostname; mkdir -p /new/dir && touch /new/dir/f && ls /new/dir
                head -c 2000000 /dev/zero > /zeros || echo full
                """);

        assertEquals("x\nf\nfull\n", result.out(), result::toString);
        assertEquals(hostname, Files.readString(Path.of("/etc/hostname")));
        assertFalse(Files.exists(Path.of("/new")));
    }

    @Test
    void tmpfs_hasSizeModeAndReadOnly() {
        Result result = run(
                List.of(
                        "-m", "type=tmpfs,dst=/srv/a,size=1M,mode=0750",
                        "-m", "type=tmpfs,dst=/srv/b,ro",
                        "-m", "ram:/srv/c=2MiB"),
                """
                stat -c %a /srv/a /srv/c; df --output=size /srv/a /srv/c | tail -n 2; touch /srv/b/x
                """);

        assertEquals(
                List.of("750", "1777", "1024", "2048"),
                result.out().lines().map(String::strip).toList(),
                result::toString);
        result.expectStderr("Read-only file system");
    }

    @Test
    void guestBind_ofDirectoryAndFile() {
        Result result = run(
                List.of(
                        "-m", bind(directory, "/srv/a", "ro"),
                        "-m", "type=guest-bind,src=/srv/a/sub,dst=/srv/b",
                        "-m", "type=guest-bind,src=/srv/a/file,dst=/opt/made/file,ro",
                        "-m", "guest-bind:/srv/c=/tmp"),
                """
                cat /srv/b/file /opt/made/file; echo kept > /tmp/f; cat /srv/c/f; echo x > /opt/made/file
                """);

        assertEquals("below\nhost\nkept\n", result.out(), result::toString);
        result.expectStderr("Read-only file system");
    }

    /** Its mount is another than the root's, and made before that is sealed. */
    @Test
    void guestBind_ofAReadOnlyRoot_isNoWayToWriteToIt() {
        Result result = run(
                List.of("-m", "guest-bind:/made/usr=/usr"),
                "touch /made/usr/x || echo refused; ls /usr/x /made/usr/x 2>/dev/null; echo end");

        assertEquals("refused\nend\n", result.out(), result::toString);
        result.expectStderr("Read-only file system");
    }

    /** The init needs nothing that a mount could cover. */
    @Test
    void mounts_overAllThatMayBeCovered_hideNoInit() {
        List<String> options = new ArrayList<>();
        for (String target :
                List.of("/boot", "/etc", "/home", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var")) {
            options.addAll(List.of("-m", "type=tmpfs,size=1M,dst=" + target));
        }

        Result result = run(options, "ls -A /boot /etc /home /mnt /opt /root /srv /var | grep -v : ; exit 7");

        assertEquals(7, result.status(), result::toString);
        assertEquals("", result.out().strip(), result::toString);
    }

    @Test
    void laterMount_coversAnEarlierOne() {
        Result result = run(
                List.of(
                        "-m", "type=tmpfs,dst=/srv",
                        "-m", bind(directory, "/srv/one", "ro"),
                        "-m", bind(directory, "/tmp/two", "ro"),
                        "-m", bind(directory.resolve("sub"), "/srv/one", "ro")),
                "cat /srv/one/file /tmp/two/file; ls /srv");

        assertEquals("below\nhost\none\n", result.out(), result::toString);
    }

    @Test
    void names_ofAnyBytes_areTakenAsTheyAre() throws Exception {
        // A shell makes the name, and the command line: arguments from Java are text.
        ProcessBuilder builder = barchan.builder("run", "--cwd", "/");
        List<String> command = new ArrayList<>(List.of("sh", "-c", """
                cd "$1"; shift; name=$(printf 'a\\377b \\001c'); mkdir "$name"; echo odd > "$name/file"
                exec "$@" -m "type=bind,src=$name,dst=/srv/$name" -- cat "/srv/$name/file"
                """, "-", directory.toString()));
        command.addAll(builder.command());

        Result result = Barchan.launch(builder.command(command)).result().expect(0);

        assertEquals("odd\n", result.out(), result::toString);
    }

    @Test
    void names_ofAnyKind_areTakenAsTheyAre() throws IOException {
        String odd = "a b,c\"d'e\n<&>\\=é";
        Path source = Files.createDirectory(directory.resolve(odd));
        Files.writeString(source.resolve("file"), "odd\n");

        Result result = run(
                List.of("-m", "type=bind," + quoted("src=" + source) + "," + quoted("dst=/srv/" + odd) + ",ro"),
                "cat \"/srv/$(printf 'a b,c\"d\\047e\\n<&>\\\\=é')/file\"");

        assertEquals("odd\n", result.out(), result::toString);
    }

    @Test
    void target_behindALink_staysInTheSandbox() throws IOException {
        Files.createSymbolicLink(directory.resolve("out"), Path.of("/"));
        Files.createSymbolicLink(directory.resolve("up"), Path.of("../../../../../../.."));

        Result result = run(
                List.of(
                        "-m", bind(directory, "/srv", "ro"),
                        "-m", "type=tmpfs,dst=/srv/out/opt/x,size=1M",
                        "-m", "type=tmpfs,dst=/srv/up/opt/y,size=2M"),
                "df --output=size /opt/x /opt/y | tail -n 2");

        assertEquals(
                List.of("1024", "2048"), result.out().lines().map(String::strip).toList(), result::toString);
    }

    private static String bind(Path source, String target, String mode) {
        return "type=bind,src=" + source + ",dst=" + target + "," + mode;
    }

    private static String quoted(String part) {
        return '"' + part.replace("\"", "\"\"") + '"';
    }

    private static Result run(List<String> options, String script) {
        List<String> arguments = new ArrayList<>(List.of("run", "--cwd", "/"));
        arguments.addAll(options);
        arguments.addAll(List.of("--", "sh", "-c", script));
        return barchan.call(arguments.toArray(String[]::new));
    }

    private static void command(String... words) throws Exception {
        assertEquals(0, new ProcessBuilder(words).inheritIO().start().waitFor());
    }

    private Map<String, String> inventory() throws IOException {
        return SharedDirectory.inventory(directory);
    }
}
