package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class AcceleratorsTest {
    private static final BootFileSet FILES =
            new BootFileSet("6.1", Path.of("/k"), Path.of("/i"), Map.of(), "d", new KernelChoice.Newest(), false);

    private final FakeWorld world;
    private final List<String> said = new CopyOnWriteArrayList<>();
    private final Accelerators accelerators;

    AcceleratorsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        world.kvmProblem = Optional.empty();
        accelerators = accelerators();
    }

    @Test
    void kvm_withoutDevice_isRefusedWithReasonAndRemedy() {
        world.kvmProblem = Optional.of("there is no /dev/kvm");

        SandboxException e = assertThrows(SandboxException.class, () -> resolve(AcceleratorChoice.KVM));

        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("there is no /dev/kvm"));
        assertTrue(String.valueOf(e.getMessage()).contains("--accel tcg"));
    }

    @Test
    void kvm_whereTheProofFails_isRefused() {
        world.onStart = machine -> machine.guest.timesOut = true;

        SandboxException e = assertThrows(SandboxException.class, () -> resolve(AcceleratorChoice.KVM));

        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("did not come up within 10 s"));
    }

    @Test
    void auto_withoutDevice_isTcgAtOnceWithOneWarning() throws Exception {
        world.kvmProblem = Optional.of("there is no /dev/kvm");

        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));
        assertEquals(
                List.of(
                        "WARNING KVM does not work here (there is no /dev/kvm): using emulation (TCG), which is slow and no"
                                + " security boundary"),
                said);
        assertTrue(world.started.isEmpty());
    }

    @Test
    void auto_whereKvmHangs_destroysTheGuestAndIsTcg() throws Exception {
        world.onStart = machine -> machine.guest.timesOut = true;

        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));

        assertEquals(2, said.size());
        assertTrue(said.getFirst().startsWith("INFO checking whether KVM works here"));
        assertTrue(world.started.getFirst().destroyed);
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void auto_whereKvmWorks_isKvmAndRemembered() throws Exception {
        assertEquals(Accelerator.KVM, resolve(AcceleratorChoice.AUTO));
        assertEquals(Accelerator.KVM, resolve(AcceleratorChoice.AUTO));
        assertEquals(Accelerator.KVM, accelerators().resolve(AcceleratorChoice.AUTO, guest(), this::say));

        assertEquals(1, world.started.size());
        assertFalse(FakeWorld.isTcg(world.started.getFirst()));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void auto_failureThatWasRemembered_needsNoProof() throws Exception {
        world.onStart = machine -> machine.guest.timesOut = true;
        resolve(AcceleratorChoice.AUTO);

        assertEquals(Accelerator.TCG, accelerators().resolve(AcceleratorChoice.AUTO, guest(), this::say));

        assertEquals(1, world.started.size());
    }

    @Test
    void auto_damagedMemory_provesAgain() throws Exception {
        resolve(AcceleratorChoice.AUTO);
        for (Path file : remembered()) {
            Files.writeString(file, "host-boot\nnonsense");
        }

        assertEquals(Accelerator.KVM, accelerators().resolve(AcceleratorChoice.AUTO, guest(), this::say));
        assertEquals(2, world.started.size());
    }

    @Test
    void auto_failureThatIsNotKvms_isNotRemembered() throws Exception {
        world.fail("machine.start", Code.EXHAUSTED);
        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));
        world.mend("machine.start");

        assertEquals(Accelerator.KVM, resolve(AcceleratorChoice.AUTO));
    }

    /** QEMU ends at once where a virtual machine's KVM lacks something that QEMU sets. */
    @Test
    void auto_machineThatStartsOnlyWhenEmulated_isRememberedOnceThatIsKnown() throws Exception {
        world.fail("machine.start KVM", Code.PRECONDITION);

        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));
        assertTrue(said.getLast().contains("injected: machine.start KVM"), said::toString);
        await(() -> !remembered().isEmpty());
        world.mend("machine.start KVM");

        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));
        assertEquals(Accelerator.TCG, accelerators().resolve(AcceleratorChoice.AUTO, guest(), this::say));
        assertEquals(1, world.started.size());
        assertTrue(FakeWorld.isTcg(world.started.getFirst()));
    }

    @Test
    void auto_machineThatDoesNotStartEither_isNotRemembered() throws Exception {
        world.fail("machine.start", Code.PRECONDITION);
        assertEquals(Accelerator.TCG, resolve(AcceleratorChoice.AUTO));
        await(() -> world.failedStarts.get() == 2);
        world.mend("machine.start");

        await(() -> resolve(AcceleratorChoice.AUTO) == Accelerator.KVM);
    }

    @Test
    void auto_twentyAtATime_proveOnce() throws Exception {
        CountDownLatch together = new CountDownLatch(1);
        List<Callable<Accelerator>> calls = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            calls.add(() -> {
                together.await();
                return resolve(AcceleratorChoice.AUTO);
            });
        }
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Accelerator>> results =
                    calls.stream().map(threads::submit).toList();
            together.countDown();
            for (Future<Accelerator> result : results) {
                assertEquals(Accelerator.KVM, result.get());
            }
        }
        assertEquals(1, world.started.size());
    }

    /** Nobody waits for the boot of an emulated guest that follows, so nothing tells of its end. */
    private static void await(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) {
            if (Thread.interrupted()) {
                throw new InterruptedException("it did not come about in time");
            }
            Thread.onSpinWait();
        }
    }

    private List<Path> remembered() throws IOException {
        Path directory = world.directory.resolve("state/accelerator");
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (var files = Files.list(directory)) {
            return files.filter(file -> !file.toString().endsWith(".tmp")).toList();
        }
    }

    private Accelerator resolve(AcceleratorChoice choice) throws SandboxException, InterruptedException {
        return accelerators.resolve(choice, guest(), this::say);
    }

    private Accelerators.Guest guest() {
        return new Accelerators.Guest(FILES, world, world.emulatorUser(FakeWorld.CLIENT), Hypervisors.DEFAULT_URI);
    }

    private Accelerators accelerators() {
        GuestBoot boot = new GuestBoot(
                new RuntimeDirectories(world.directory.resolve("run/s")), world, world.new Link(), world.timer, 2);
        return new Accelerators(
                world,
                new ProofStore(world.directory.resolve("state/accelerator"), world),
                new TrialBoot(boot, world.timer),
                FakeWorld.KVM_PROOF,
                Duration.ofSeconds(60));
    }

    private void say(RunObserver.Level level, String message) {
        said.add(level + " " + message);
    }
}
