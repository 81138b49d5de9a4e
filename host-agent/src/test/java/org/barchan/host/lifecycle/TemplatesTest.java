package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Guests that go on from saved ones. */
@Timeout(60)
final class TemplatesTest {
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final FakeWorld world;
    private final Path templates;
    private Sandboxes sandboxes;

    TemplatesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        world.templates = true;
        templates = directory.resolve("state/templates");
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @Test
    void run_ofAKindThatWasSeen_goesOnFromATemplate() throws Exception {
        Path template = made();

        run();

        MachineSpec last = world.specs.getLast();
        assertEquals(Optional.of(template), last.saved());
        assertEquals(1, last.shares().size());
        List<MachineSpec> making = world.specs.subList(1, 3);
        assertEquals(Optional.empty(), making.getFirst().saved());
        assertEquals(List.of(), making.getFirst().shares(), "a template holds nothing of a sandbox");
        assertTrue(making.getLast().saved().isPresent(), "it is tried out");
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_thatWantsNoTemplate_boots_andHasNoneMade() throws Exception {
        run(false);
        world.timer.advance(PAUSE);
        assertEquals(1, world.specs.size(), "none was ordered");
        var _ = made();

        run(false);

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseTemplateCannotBeRestored_boots_andAnotherIsMade() throws Exception {
        Path template = made();
        world.fail("machine.restore", Code.LOST);

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertFalse(Files.exists(template));
        world.mend("machine.restore");
        make();
        assertTrue(Files.exists(template));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseRestoredGuestSaysNothing_boots() throws Exception {
        var _ = made();
        world.onStart = machine ->
                machine.guest.timesOut = world.specs.getLast().saved().isPresent();

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseRestoredMachineDies_boots() throws Exception {
        var _ = made();
        world.at("guest.hello", () -> {
            if (world.specs.getLast().saved().isPresent()) {
                world.started.getLast().guest.silent = true;
                world.started.getLast().end(MachineEnd.CRASHED);
            }
        });

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void make_whatCannotBeRestored_isNotKept() throws Exception {
        run();
        world.fail("machine.restore", Code.LOST);
        CountDownLatch saved = new CountDownLatch(1);
        world.at("machine.save", saved::countDown);

        world.timer.advance(PAUSE);

        assertTrue(saved.await(10, TimeUnit.SECONDS));
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), files());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_whatAKilledAgentHadBegun_isRemoved() throws Exception {
        Path template = made();
        Files.writeString(templates.resolve(".draft-999999999"), "half");

        sandboxes = world.sandboxes();
        sandboxes.reconcile();

        assertEquals(List.of(template), files());
    }

    private SandboxSpec spec(boolean fromTemplate) {
        SandboxSpec spec = RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, "box", Hypervisors.DEFAULT_URI);
        return new SandboxSpec(
                spec.name(),
                spec.root(),
                spec.exposeHostRoot(),
                spec.mounts(),
                spec.disks(),
                spec.memory(),
                spec.vcpus(),
                spec.kernel(),
                spec.kernelArguments(),
                spec.accelerator(),
                spec.libvirtUri(),
                spec.debug(),
                fromTemplate,
                spec.clientLostPolicy());
    }

    private Path made() throws Exception {
        run();
        return make();
    }

    /** Has the template made that was missing; returns it. */
    private Path make() throws Exception {
        world.timer.advance(PAUSE);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (files().stream().noneMatch(file -> !file.getFileName().toString().startsWith("."))
                || !world.leftovers().isEmpty()) {
            assertTrue(System.nanoTime() < deadline, () -> "no template; left: " + world.machines);
            Thread.onSpinWait();
        }
        assertEquals(1, files().size());
        return files().getFirst();
    }

    private List<Path> files() throws IOException {
        if (!Files.exists(templates)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(templates)) {
            return all.toList();
        }
    }

    /** Runs something to its end; returns when nothing of it is left. */
    private void run() throws Exception {
        run(true);
    }

    private void run(boolean fromTemplate) throws Exception {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(
                new RunOrder(
                        spec(fromTemplate),
                        ProcessSpec.newBuilder()
                                .addArgv(FakeWorld.bytes("true"))
                                .build(),
                        Optional.empty(),
                        FakeWorld.CLIENT,
                        false,
                        false),
                observer);
        observer.awaitStarted();
        world.started.getLast().guest.exit(0);
        assertEquals(0, observer.termination().getExitCode());
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
    }
}
