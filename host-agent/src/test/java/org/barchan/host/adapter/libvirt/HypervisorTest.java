package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.LibvirtUri;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HypervisorTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "qemu",
                "qemu:///embed?root=/x",
                "QEMU:///system",
                "lxc:///",
                "qemu+ssh://h/system",
                "\u001b",
                "qemu:///system?socket=x",
                "qemu:///system?socket=/x&mode=legacy",
                "qemu:///session?command=/bin/sh"
            })
    void of_otherUri_isInvalidAndSaysWhatIsExpected(String uri) {
        SandboxException e = assertThrows(SandboxException.class, () -> Hypervisor.of(uri, directory));
        assertEquals(Code.INVALID, e.code());
        assertTrue(
                Specs.messageOf(e).contains("(expected: qemu:///embed, qemu:///system or qemu:///session,"),
                Specs.messageOf(e));
        assertFalse(Specs.messageOf(e).contains("\u001b"));
    }

    @Test
    void of_socket_isNamedToALibvirtThatHasTheEmbeddedDriver() throws Exception {
        Path socket = Files.createFile(directory.resolve("libvirt-sock"));
        assertEquals(
                "remote+unix:///session?name=qemu:///session&mode=direct&socket="
                        + socket.toString().replace("/", "%2F"),
                Hypervisor.of("qemu:///session?socket=" + socket, directory).connectUri());
    }

    @Test
    void daemonSocket_ofAUser_isTheOneThatIsThere() throws Exception {
        LibvirtUri session = LibvirtUri.parse("qemu:///session");
        Path sockets = Files.createDirectory(directory.resolve("libvirt"));
        Map<String, String> environment = Map.of("XDG_RUNTIME_DIR", directory.toString());
        Path whole = Files.createFile(sockets.resolve("libvirt-sock"));
        assertEquals(
                new DaemonSocket(whole, Optional.of(Path.of("/usr/sbin/libvirtd"))),
                DaemonSocket.of(session, 1000, environment));
        Path modular = Files.createFile(sockets.resolve("virtqemud-sock"));
        assertEquals(
                new DaemonSocket(modular, Optional.of(Path.of("/usr/sbin/virtqemud"))),
                DaemonSocket.of(session, 1000, environment));
        assertEquals(
                Path.of("/run/libvirt"),
                DaemonSocket.of(session, 0, environment).socket().getParent());
        assertEquals(Optional.empty(), DaemonSocket.of(session, 0, environment).program());
    }

    @Test
    void of_socketThatIsNotThere_saysSo() {
        SandboxException e =
                assertThrows(SandboxException.class, () -> Hypervisor.of("qemu:///session?socket=/no/such", directory));
        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(Specs.messageOf(e).contains("/no/such"), Specs.messageOf(e));
    }

    private static Hypervisor.Daemon daemon(String driver, int uid) {
        return new Hypervisor.Daemon(
                "qemu:///" + driver, driver, new DaemonSocket(Path.of("/s"), Optional.empty()), uid);
    }

    @Test
    void prepare_pathTooLong_saysByHowMuch() {
        SandboxException e =
                assertThrows(SandboxException.class, () -> EmbeddedRoot.prepare(directory.resolve("x".repeat(100))));
        assertEquals(Code.INVALID, e.code());
        assertTrue(Specs.messageOf(e).contains("bytes too long"), Specs.messageOf(e));
    }

    @Test
    void prepare_nastyPath_isEncodedInTheUri() throws SandboxException {
        EmbeddedRoot root = EmbeddedRoot.prepare(directory.resolve("a b&c=ü+%"));
        assertTrue(
                root.uri()
                        .endsWith("/a b&c=ü+%"
                                .replace("/", "%2F")
                                .replace(" ", "%20")
                                .replace("&", "%26")
                                .replace("=", "%3D")
                                .replace("ü", "%C3%BC")
                                .replace("+", "%2B")
                                .replaceAll("%$", "%25")),
                root.uri());
        assertTrue(Files.exists(root.directory().resolve("etc/qemu.conf")));
    }

    @Test
    void prepare_fileInTheWay_isRefused() throws Exception {
        Path file = Files.createFile(directory.resolve("f"));
        SandboxException e = assertThrows(SandboxException.class, () -> EmbeddedRoot.prepare(file));
        assertEquals(Code.PRECONDITION, e.code());
    }

    @Test
    void requirePassableByAnyone_closedDirectory_isNamed() throws Exception {
        Path closed = Files.createDirectory(directory.resolve("closed"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
        EmbeddedRoot root = EmbeddedRoot.prepare(closed.resolve("r"));
        SandboxException e = assertThrows(SandboxException.class, root::requirePassableByAnyone);
        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(Specs.messageOf(e).contains("chmod o+x " + closed), Specs.messageOf(e));
    }

    @Test
    void qemuUser_ofADaemonWithoutRights_canOnlyBeItsOwn() throws SandboxException {
        Hypervisor session = daemon("session", 1000);
        assertTrue(session.qemuUser(new HostUser(1000, 1000)).isEmpty());
        assertThrows(SandboxException.class, () -> session.qemuUser(new HostUser(1001, 1000)));
        assertEquals(Specs.NOBODY, daemon("system", 0).qemuUser(Specs.NOBODY).orElseThrow());
    }
}
