package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.SandboxException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real machines on a daemon of nobody's, which ends, hangs and comes back. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LibvirtDaemonIT {
    @TempDir
    private static Path directory;

    private static Path initrd;
    private static SessionDaemon daemon;

    private LibvirtDriver driver;

    @BeforeAll
    static void prepare() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        initrd = TestGuest.buildInitrd(directory);
        Files.setPosixFilePermissions(initrd, PosixFilePermissions.fromString("rw-r--r--"));
        daemon = new SessionDaemon(directory.resolve("d"), Specs.NOBODY);
    }

    @BeforeEach
    void open() throws Exception {
        daemon.start();
        driver = LibvirtDriver.open(daemon.uri(), directory);
    }

    @AfterEach
    void close() throws Exception {
        for (Machine machine : driver.running()) {
            machine.destroy();
        }
        driver.close();
        daemon.kill();
    }

    private static MachineSpec newSpec() throws IOException {
        MachineRecord record = Specs.recordBelow(directory);
        SessionDaemon.give(record.runtimeDirectory(), Specs.NOBODY);
        return Specs.spec(record, TestGuest.kernel(), initrd, List.of());
    }

    private static MachineEnd endOf(Machine machine) {
        return machine.ended().toCompletableFuture().join();
    }

    /** Without a host at the other end the guest ends. */
    private static TestGuest.Talk talk(Machine machine) throws IOException {
        return new TestGuest.Talk(machine.record().linkSocket());
    }

    @Test
    void guest_powersOff_isTold() throws Exception {
        Machine machine = driver.start(newSpec());
        try (TestGuest.Talk guest = new TestGuest.Talk(machine.record().linkSocket())) {
            assertEquals("hello", guest.ask("hello"));
            MachineUsage usage = machine.usage();
            assertTrue(usage.cpu().isPositive() && usage.residentBytes() > 1 << 20, usage::toString);
            guest.say("poweroff");
            assertEquals(MachineEnd.SHUTDOWN, endOf(machine));
        }
        assertEquals(List.of(), driver.running());
    }

    @Test
    void daemonStartedAnew_itsMachinesAreWatchedAndEndedAsBefore() throws Exception {
        Machine first = driver.start(newSpec());
        Machine second = driver.start(newSpec());
        try (TestGuest.Talk toFirst = talk(first);
                TestGuest.Talk toSecond = talk(second)) {
            assertEquals("hello", toFirst.ask("hello"));

            daemon.kill();
            daemon.start();

            assertEquals(Set.of(first, second), Set.copyOf(driver.running()));
            Machine third = driver.start(newSpec());
            try (TestGuest.Talk toThird = talk(third)) {
                first.destroy();
                assertEquals(MachineEnd.DESTROYED, endOf(first));
                assertEquals("hello", toSecond.ask("hello"));
                toSecond.say("poweroff");
                assertEquals(MachineEnd.SHUTDOWN, endOf(second));
                assertEquals("hello", toThird.ask("hello"));
                assertEquals(List.of(third), driver.running());
            }
        }
    }

    @Test
    void machineThatEnded_whileThereWasNoDaemon_isToldWhenThereIsOne() throws Exception {
        Machine machine = driver.start(newSpec());
        daemon.kill();
        ProcessHandle qemu = SessionDaemon.qemuOf(machine);
        qemu.destroyForcibly();
        qemu.onExit().join();
        SandboxException e = assertThrows(SandboxException.class, driver::running);
        assertTrue(Specs.messageOf(e).contains("qemu:///embed"), Specs.messageOf(e));

        daemon.start();

        assertEquals(List.of(), driver.running());
        assertEquals(MachineEnd.CRASHED, endOf(machine));
    }

    @Test
    void daemonThatHangs_isGivenUp_andGoesOnWhenItComesBack() throws Exception {
        Machine machine = driver.start(newSpec());
        try (TestGuest.Talk guest = talk(machine)) {
            daemon.signal("STOP");
            SandboxException e = assertThrows(SandboxException.class, driver::running);
            assertTrue(Specs.messageOf(e).contains("libvirt"), Specs.messageOf(e));
            daemon.signal("CONT");
            assertEquals(List.of(machine), driver.running());
            assertEquals("hello", guest.ask("hello"));
        }
    }
}
