package org.barchan.host.adapter.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.barchan.host.port.Views;
import org.barchan.host.port.Views.Mask;
import org.barchan.host.port.Views.Request;
import org.barchan.host.port.Views.Source;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With the real program. */
@Timeout(60)
final class ViewHelperTest {
    private static final HostUser NOBODY = new HostUser(65534, 65534);

    private final LinuxHost host = new LinuxHost();
    private final HostUser self = host.self();
    private final ViewHelper views = new ViewHelper(Path.of("target/lib/barchan-view"));

    @TempDir
    private Path temporary;

    private Path directory = Path.of("/nonexistent");

    @BeforeEach
    void fill() throws IOException {
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        directory = Files.createDirectory(temporary.toRealPath().resolve("dir"));
        Files.createDirectories(directory.resolve("etc/private"));
        Files.writeString(directory.resolve("etc/private/key"), "key\n");
        Files.writeString(directory.resolve("etc/shadow"), "hash\n");
        Files.writeString(directory.resolve("etc/passwd"), "root\n");
        Files.createDirectories(directory.resolve("home/alice/docs"));
        Files.createDirectories(directory.resolve("home/bob"));
        Files.writeString(directory.resolve("home/alice/docs/file"), "alice's\n");
        Files.writeString(directory.resolve("home/bob/file"), "bob's\n");
    }

    @Test
    void open_sourcesThatDoNotDo_areAllNamedWithTheRemedy() throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("home"));
        Path fifo = directory.resolve("fifo");
        command("mkfifo", fifo.toString());
        Path socket = directory.resolve("socket");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            String message = refused(
                    source("a", directory.resolve("nothing")),
                    source("b", link),
                    source("c", link.resolve("alice")),
                    source("d", fifo),
                    source("e", socket),
                    source("f", Path.of("/dev/null")),
                    source("g", Path.of("/proc/self/root")));

            List<String> lines = message.lines().toList();
            assertEquals(7, lines.size(), message);
            assertTrue(lines.get(0).contains("mounting a: it is not there"), message);
            assertTrue(
                    lines.get(1)
                            .endsWith("a symbolic link, which others may point elsewhere. Name what it leads to: "
                                    + directory.resolve("home")),
                    message);
            assertTrue(lines.get(2).endsWith(": " + directory.resolve("home/alice")), message);
            for (String line : lines.subList(3, 6)) {
                assertTrue(line.contains("neither a directory nor a regular file"), message);
            }
            assertTrue(lines.get(6).contains("symbolic link"), message);
        }
    }

    @Test
    void open_sourcesThatAUserMayNotUse_nameTheUser() throws Exception {
        assumeTrue(self.uid() == 0, "needs root for becoming another user");
        Path closed = Files.createDirectory(temporary.resolve("closed"));
        Path below = Files.createDirectory(closed.resolve("below"));
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));

        assertTrue(refused(new Request(NOBODY, NOBODY, List.of(source("a", below))))
                .contains("user nobody may not enter a directory on the way there"));
        assertTrue(refused(new Request(self, NOBODY, List.of(source("a", closed))))
                .contains("QEMU runs as user nobody, who can't read " + closed));
        assertTrue(refused(new Request(self, NOBODY, List.of(writable("a", directory))))
                .contains("who may not write there"));
        try (View view = views.open(new Request(self, NOBODY, List.of(source("a", below))))) {
            assertTrue(Files.isDirectory(view.path("a")), "what root opens is to be seen, wherever it is");
        }
    }

    @Test
    void open_withoutTheProgram_saysWhatToDo() {
        ViewHelper none = new ViewHelper(temporary.resolve("nothing"));

        SandboxException e = assertThrows(
                SandboxException.class, () -> none.open(new Request(self, self, List.of(source("a", directory)))));

        assertTrue(String.valueOf(e.getMessage()).contains("make build"));
    }

    @Test
    void open_shares_areSeenAndWrittenAsOrdered() throws Exception {
        Path file = directory.resolve("etc/passwd");
        try (View view =
                open(source("a", directory), writable("b", directory), source("c", file), writable("d", file))) {
            assertEquals("", view.file("a"));
            assertEquals("alice's\n", Files.readString(view.path("a").resolve("home/alice/docs/file")));
            assertEquals("root\n", Files.readString(view.path("c").resolve(view.file("c"))));
            assertReadOnly(view.path("a").resolve("new"));
            assertReadOnly(view.path("c").resolve(view.file("c")));
            try (Stream<Path> files = Files.list(view.path("c"))) {
                assertEquals(1, files.count(), "the file alone");
            }

            Files.writeString(view.path("b").resolve("new"), "new\n");
            Files.writeString(view.path("d").resolve(view.file("d")), "changed\n");

            assertEquals("new\n", Files.readString(directory.resolve("new")));
            assertEquals("changed\n", Files.readString(file));
        }
    }

    @Test
    void open_pathsOfAnyBytes() throws Exception {
        String raw = directory + "/a b\n\"'\u00ff\u0001";
        command(
                "sh",
                "-c",
                "mkdir \"$1/$(printf 'a b\\n\"\\047\\377\\001')\" && cd \"$1\"/a* && echo odd > file",
                "-",
                directory.toString());

        Source source = new Source(
                "a", "mounting a", new GuestPath(raw), false, Views.User.EMULATOR, Optional.empty(), List.of());
        try (View view = open(source)) {
            assertEquals("odd\n", Files.readString(view.path("a").resolve("file")));
        }
    }

    @Test
    void masks_coverWhatIsThere() throws Exception {
        Files.createSymbolicLink(directory.resolve("etc/out"), Path.of("/etc/private"));
        Source masked = masked(
                new Mask.Only(Path.of("/home"), Path.of("/home/alice")),
                new Mask.Hidden(Path.of("/etc/shadow")),
                new Mask.Hidden(Path.of("/etc/out")),
                new Mask.Hidden(Path.of("/home/alice/docs")),
                new Mask.Hidden(Path.of("/etc/nothing")),
                new Mask.Hidden(Path.of("/etc/passwd/nothing")));
        try (View view = open(masked, source("other", directory))) {
            Path root = view.path("root");
            assertEquals("", Files.readString(root.resolve("etc/shadow")));
            assertEquals("root\n", Files.readString(root.resolve("etc/passwd")));
            assertEquals(List.of(), names(root.resolve("etc/private")));
            assertEquals(List.of("alice"), names(root.resolve("home")));
            assertEquals(List.of(), names(root.resolve("home/alice/docs")));
            assertNotEquals(
                    Files.getAttribute(root.resolve("home/alice/docs"), "unix:ino"),
                    Files.getAttribute(root.resolve("etc/private"), "unix:ino"),
                    "a guest would take them for one directory");
            assertThrows(NoSuchFileException.class, () -> Files.readString(root.resolve("home/bob/file")));
            assertEquals("hash\n", Files.readString(view.path("other").resolve("etc/shadow")));
        }
        assertEquals("hash\n", Files.readString(directory.resolve("etc/shadow")));
        assertEquals(List.of("key"), names(directory.resolve("etc/private")));
    }

    @Test
    void only_nothing_hidesAll() throws Exception {
        Source masked = masked(new Mask.Only(Path.of("/home"), Path.of("/home/carol/deep")));
        try (View view = open(masked)) {
            assertEquals(List.of(), names(view.path("root").resolve("home")));
        }
    }

    /** As QEMU has it, whose shares outlive the namespace. */
    @Test
    void masks_holdForWhoHasTheShareOpenWhenTheViewIsClosed() throws Exception {
        Source masked = masked(new Mask.Hidden(Path.of("/etc/shadow")), new Mask.Hidden(Path.of("/etc/private")));
        View view = open(masked);
        Process holder = new ProcessBuilder(
                        "sh",
                        "-c",
                        "cd \"$1\"; echo; read line; cat etc/shadow etc/passwd; ls etc/private; cat etc/private/key",
                        "-",
                        view.path("root").toString())
                .redirectErrorStream(true)
                .start();
        try (var output = holder.inputReader()) {
            assertEquals("", output.readLine());
            view.close();
            assertTrue(view.path("root").toString().matches("/proc/\\d+/root/root"));
            ProcessHandle.of(Long.parseLong(view.path("root").getName(1).toString()))
                    .ifPresent(process -> process.onExit().join());
            try (var input = holder.outputWriter()) {
                input.write("\n");
            }
            assertEquals(
                    List.of("root", "cat: etc/private/key: No such file or directory"),
                    output.lines().toList());
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    void open_nothingOfIt_isSeenElsewhere() throws Exception {
        String before = Files.readString(Path.of("/proc/self/mountinfo"));
        try (View view = open(writable("a", directory))) {
            assertEquals(before, Files.readString(Path.of("/proc/self/mountinfo")));
            Path mounts = view.path("a")
                    .getRoot()
                    .resolve(view.path("a").subpath(0, 2))
                    .resolve("mountinfo");
            String share = Files.readString(mounts)
                    .lines()
                    .filter(line -> line.contains(" /a "))
                    .findFirst()
                    .orElseThrow();
            assertTrue(share.contains("nosuid") && share.contains("nodev"), share);
        }
    }

    @Test
    void serve_programThatIsNotThere_isNamed() {
        SandboxException e = assertThrows(
                SandboxException.class, () -> open(served(directory, false, Path.of("/nonexistent/virtiofsd"))));
        assertEquals(SandboxException.Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("starting virtiofsd: No such file"), e.getMessage());
    }

    @Test
    void serve_serverWithoutConnection_endsWithTheView() throws Exception {
        View view = open(served(directory, false, virtiofsd()));
        long server = server(view);
        String status = Files.readString(Path.of("/proc", Long.toString(server), "status"));
        assertTrue(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), status);
        assertFalse(
                Files.readString(Path.of("/proc", Long.toString(server), "environ"))
                        .contains("PATH="),
                "it has the agent's environment");
        assertFalse(
                Files.readSymbolicLink(Path.of("/proc", Long.toString(server), "ns/user"))
                        .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/user"))),
                "it has the host's user namespace");

        view.close();

        awaitEnd(server);
    }

    @Test
    void serve_serverWithAConnection_endsWithThat() throws Exception {
        View view = open(served(directory, true, virtiofsd()));
        long server = server(view);
        try (SocketChannel qemu = SocketChannel.open(UnixDomainSocketAddress.of(view.socket("a")))) {
            // VHOST_USER_GET_FEATURES, whose answer shows that the connection has been taken.
            qemu.write(ByteBuffer.allocate(12)
                    .order(ByteOrder.nativeOrder())
                    .putInt(1)
                    .putInt(1)
                    .putInt(0)
                    .flip());
            assertTrue(qemu.read(ByteBuffer.allocate(64)) > 0);
            view.close();
            awaitEnd(Long.parseLong(view.path("a").getName(1).toString()));
            assertTrue(isAlive(server));
        }
        awaitEnd(server);
    }

    private Path virtiofsd() {
        return host.virtiofsd().orElseThrow(() -> new AssertionError("no virtiofsd: call 'make setup' first"));
    }

    private static Source served(Path path, boolean writable, Path program) {
        return new Source(
                "a",
                "mounting a",
                new GuestPath(path.toString()),
                writable,
                Views.User.CLIENT,
                Optional.of(new Views.FileServer(program, "cache=auto")),
                List.of());
    }

    private static long server(View view) {
        ProcessHandle helper = ProcessHandle.of(
                        Long.parseLong(view.path("a").getName(1).toString()))
                .orElseThrow();
        return helper.children().findFirst().orElseThrow().pid();
    }

    /** Whoever is process 1 here may leave ended processes as they are. */
    private static boolean isAlive(long pid) throws IOException {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
        } catch (IOException e) {
            // ESRCH, where it ended between open and read, has no class of its own.
            if (e instanceof NoSuchFileException
                    || Optional.ofNullable(e.getMessage()).orElse("").contains("No such process")) {
                return false;
            }
            throw e;
        }
    }

    private static void awaitEnd(long pid) throws IOException {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (isAlive(pid)) {
            assertTrue(System.nanoTime() < deadline, () -> "process " + pid + " lives on");
            Thread.onSpinWait();
        }
    }

    private View open(Source... sources) throws SandboxException {
        return views.open(new Request(self, self, List.of(sources)));
    }

    private String refused(Source... sources) {
        return refused(new Request(self, self, List.of(sources)));
    }

    private String refused(Request request) {
        SandboxException e = assertThrows(SandboxException.class, () -> views.open(request));
        assertEquals(SandboxException.Code.PRECONDITION, e.code());
        return String.valueOf(e.getMessage());
    }

    private Source masked(Mask... masks) {
        return new Source(
                "root",
                "using it",
                new GuestPath(directory.toString()),
                false,
                Views.User.EMULATOR,
                Optional.empty(),
                List.of(masks));
    }

    private static Source source(String tag, Path path) {
        return new Source(
                tag,
                "mounting " + tag,
                new GuestPath(path.toString()),
                false,
                Views.User.EMULATOR,
                Optional.empty(),
                List.of());
    }

    private static Source writable(String tag, Path path) {
        return new Source(
                tag,
                "mounting " + tag,
                new GuestPath(path.toString()),
                true,
                Views.User.EMULATOR,
                Optional.empty(),
                List.of());
    }

    private static void assertReadOnly(Path file) {
        FileSystemException e = assertThrows(FileSystemException.class, () -> Files.writeString(file, "x"));
        assertTrue(e.toString().contains("Read-only file system"), e::toString);
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void command(String... words) throws Exception {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertFalse(process.isAlive());
    }
}
