package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.Transport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real machines on the embedded driver: needs root, QEMU, a generic kernel, gcc. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LibvirtDriverIT {
    /** Whatever XML, libvirt and QEMU's options have to be careful about. */
    private static final String NASTY = "a\"b'c<d>&e;,f\ng ü\ud83d\ude00=";

    // Short, as all that libvirt binds lies below it.
    @TempDir
    private static Path directory;

    private static Path initrd;
    private static LibvirtDriver driver;

    @BeforeAll
    static void open() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        initrd = TestGuest.buildInitrd(directory);
        driver = LibvirtDriver.open("qemu:///embed", directory.resolve("state"));
    }

    @AfterAll
    static void close() {
        driver.close();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        for (Machine machine : driver.running()) {
            machine.destroy();
        }
        try (Stream<Path> files = Files.walk(directory.resolve("state"))) {
            assertEquals(
                    List.of(),
                    files.filter(file -> file.getFileName().toString().contains(DomainXml.PREFIX))
                            .toList());
        }
    }

    private static MachineSpec newSpec() throws IOException {
        return Specs.spec(Specs.recordBelow(directory), TestGuest.kernel(), initrd, List.of());
    }

    private static MachineEnd endOf(Machine machine) {
        return machine.ended().toCompletableFuture().join();
    }

    @Test
    void start_missingKernel_saysWhatQemuSaid() throws Exception {
        MachineSpec spec = Specs.spec(Specs.recordBelow(directory), Path.of("/no/such/kernel"), initrd, List.of());
        SandboxException e = assertThrows(SandboxException.class, () -> driver.start(spec));
        assertEquals(Code.PRECONDITION, e.code(), Specs.messageOf(e));
        assertTrue(Specs.messageOf(e)
                .startsWith("starting machine " + spec.record().id() + " failed: QEMU ended: "));
        assertTrue(Specs.messageOf(e).contains("/no/such/kernel"), Specs.messageOf(e));
    }

    @Test
    void start_moreMemoryThanThereIs_isExhausted() throws Exception {
        MachineSpec spec = newSpec();
        MachineSpec huge = new MachineSpec(
                spec.record(),
                MemorySize.ofMebibytes(64L << 20),
                1,
                spec.kernel(),
                spec.initrd(),
                spec.commandLine(),
                List.of(),
                List.of(),
                spec.runAs(),
                Optional.empty());
        SandboxException e = assertThrows(SandboxException.class, () -> driver.start(huge));
        assertEquals(Code.EXHAUSTED, e.code(), Specs.messageOf(e));
    }

    @Test
    void start_sameIdTwice_alreadyExistsAndTheFirstRunsOn() throws Exception {
        MachineSpec spec = newSpec();
        Machine first = driver.start(spec);
        SandboxException e = assertThrows(SandboxException.class, () -> driver.start(spec));
        assertEquals(Code.ALREADY_EXISTS, e.code(), Specs.messageOf(e));
        assertTrue(SessionDaemon.qemuOf(first).isAlive());
        assertFalse(first.log().isEmpty());
        assertEquals(List.of(first), driver.running());
        assertTrue(first.usage().residentBytes() > 1 << 20, () -> "it has next to no memory");
        first.destroy();
        SandboxException gone = assertThrows(SandboxException.class, first::usage);
        assertTrue(Specs.messageOf(gone).contains("asking what it takes"), Specs.messageOf(gone));
    }

    @Test
    void open_second_sharesTheDirectory_ofThisProcess() throws Exception {
        Machine machine = driver.start(newSpec());
        try (LibvirtDriver second = LibvirtDriver.open("qemu:///embed", directory.resolve("state"))) {
            assertEquals(
                    List.of(machine.record()),
                    second.running().stream().map(Machine::record).toList());
        }
        machine.destroy();
    }

    @Test
    void destroy_twice_qemuIsGoneAndTheEndIsDestroyed() throws Exception {
        Machine machine = driver.start(newSpec());
        ProcessHandle qemu = SessionDaemon.qemuOf(machine);
        machine.destroy();
        assertEquals("", SessionDaemon.commandLineOf(qemu));
        machine.destroy();
        assertEquals(MachineEnd.DESTROYED, endOf(machine));
        assertTrue(machine.log().contains("shutting down"), machine.log());
        assertEquals(List.of(), driver.running());
    }

    @Test
    void ended_qemuKilled_isCrashed() throws Exception {
        Machine machine = driver.start(newSpec());
        SessionDaemon.qemuOf(machine).destroyForcibly();
        assertEquals(MachineEnd.CRASHED, endOf(machine));
        machine.destroy();
    }

    @Test
    void start_asNobody_qemuIsNobodyAndCannotBecomeAnother() throws Exception {
        Machine machine = driver.start(newSpec());
        String status = Files.readString(
                Path.of("/proc", Long.toString(SessionDaemon.qemuOf(machine).pid()), "status"));
        assertTrue(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), status);
        assertTrue(status.contains("Gid:\t65534\t65534\t65534\t65534\n"), status);
        assertTrue(status.contains("CapEff:\t0000000000000000\n"), status);
        assertTrue(status.contains("CapPrm:\t0000000000000000\n"), status);
        assertTrue(status.contains("NoNewPrivs:\t1\n"), status);
        assertTrue(status.contains("Seccomp:\t2\n"), status);
        machine.destroy();
    }

    @Test
    void guest_sharesADirectoryWithANastyName_readsItAndPowersOff() throws Exception {
        Path share = Files.createDirectory(directory.resolve(NASTY));
        Files.writeString(share.resolve("public"), "as root left it");
        Files.writeString(share.resolve("private"), "secret");
        Files.setPosixFilePermissions(share, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(share.resolve("public"), PosixFilePermissions.fromString("rw-r--r--"));
        Files.setPosixFilePermissions(share.resolve("private"), PosixFilePermissions.fromString("rw-------"));
        MachineSpec spec = Specs.spec(
                Specs.recordBelow(directory),
                TestGuest.kernel(),
                initrd,
                List.of(new MachineSpec.Share("share", Transport.NINEP, share, true)));
        Machine machine = driver.start(spec);
        try (TestGuest.Talk guest = new TestGuest.Talk(spec.record().linkSocket())) {
            assertEquals("hello", guest.ask("hello"));
            assertEquals("mounted", guest.ask("mount"));
            assertEquals("as root left it", guest.ask("read /share/public"));
            assertEquals("error Permission denied", guest.ask("read /share/private"));
            assertEquals("Read-only file system", guest.ask("write /share/new"));
            guest.say("poweroff");
            assertEquals(MachineEnd.SHUTDOWN, endOf(machine));
        }
        assertEquals(List.of(), driver.running());
    }
}
