package org.barchan.host.adapter.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.barchan.host.sandbox.HostUser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LinuxHostTest {
    private static final HostUser NOBODY = new HostUser(65534, 65534);

    private final LinuxHost host = new LinuxHost();

    @TempDir
    private Path directory;

    private void requireRoot() {
        assumeTrue(host.self().uid() == 0, "needs root for becoming another user");
    }

    private Path make(String path, String mode) throws Exception {
        Path made = Files.createDirectory(directory.resolve(path));
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString(mode));
        return made;
    }

    @Test
    void firstClosed_directoryOnTheWay_isNamed() throws Exception {
        requireRoot();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path closed = make("closed", "rwx------");
        Path below = make("closed/below", "rwxr-xr-x");

        assertEquals(Optional.of(closed), host.firstClosed(below, NOBODY));
        assertEquals(Optional.empty(), host.firstClosed(below, host.self()));
    }

    @Test
    void firstClosed_directoryThatCannotBeListed_isNamed() throws Exception {
        requireRoot();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path passable = make("passable", "rwx--x--x");

        assertEquals(Optional.of(passable), host.firstClosed(passable, NOBODY));
        assertEquals(Optional.empty(), host.firstClosed(make("open", "rwxr-xr-x"), NOBODY));
    }

    @Test
    void mayEnterAndWrite_asTheModeSays() throws Exception {
        requireRoot();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path closed = make("mine", "rwx------");
        Path passable = make("passable-only", "rwx--x--x");
        Path open = make("for-all", "rwxrwxrwx");
        assertFalse(host.mayEnter(closed, NOBODY));
        assertTrue(host.mayEnter(passable, NOBODY));
        assertFalse(host.mayEnter(Files.createDirectory(closed.resolve("below")), NOBODY));
        assertFalse(host.mayWrite(passable, NOBODY));
        assertTrue(host.mayWrite(open, NOBODY));
        assertTrue(host.mayWrite(closed, host.self()));
    }

    @Test
    void firstClosed_missingDirectory_isNamed() {
        Path missing = directory.resolve("missing");
        assertEquals(Optional.of(missing), host.firstClosed(missing, host.self()));
    }

    @Test
    void emulatorUser_isTheCallerOrAnUnprivilegedOne() throws Exception {
        HostUser caller = new HostUser(1000, 1000);
        if (host.self().uid() == 0) {
            assertEquals(caller, host.emulatorUser(caller));
            assertFalse(host.emulatorUser(new HostUser(0, 0)).uid() == 0, "QEMU as root");
        } else {
            assertEquals(host.self(), host.emulatorUser(caller));
        }
    }

    @Test
    void nameOf_unknownUser_isItsNumber() {
        assertEquals("root", host.nameOf(new HostUser(0, 0)));
        assertEquals("4123456", host.nameOf(new HostUser(4123456, 1)));
    }

    @Test
    void kvmProblem_userWithoutRights_namesTheUser() {
        requireRoot();
        assumeTrue(Files.exists(Path.of("/dev/kvm")), "there is no /dev/kvm");
        HostUser stranger = new HostUser(4123456, 4123456);
        String problem = host.kvmProblem(stranger).orElse("");
        // Some hosts open it to everybody.
        assertTrue(problem.isEmpty() || problem.contains("4123456"), problem);
    }

    @Test
    void facts_areThoseOfThisHost() throws Exception {
        assertEquals(
                Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip(), host.bootId());
        assertEquals(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip(), host.kernelRelease());
    }
}
