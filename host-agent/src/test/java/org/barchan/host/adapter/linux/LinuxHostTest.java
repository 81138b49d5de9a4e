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
    void mayEnter_asTheModeSays() throws Exception {
        requireRoot();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path closed = make("mine", "rwx------");
        Path passable = make("passable-only", "rwx--x--x");
        assertFalse(host.mayEnter(closed, NOBODY));
        assertTrue(host.mayEnter(passable, NOBODY));
        assertFalse(host.mayEnter(Files.createDirectory(closed.resolve("below")), NOBODY));
    }

    @Test
    void homes_areThoseOfPeople() {
        assertEquals(Optional.of(Path.of("/root")), host.homeOf(new HostUser(0, 0)));
        assertEquals(Optional.empty(), host.homeOf(new HostUser(4123456, 1)));
        assertTrue(host.homesOfOthers(NOBODY).contains(Path.of("/root")));
        assertFalse(host.homesOfOthers(new HostUser(0, 0)).contains(Path.of("/root")));
        assertFalse(host.homesOfOthers(NOBODY).contains(Path.of("/bin")), "the home of a service");
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
