package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Guests that wait for sandboxes. */
@Timeout(60)
final class PoolTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final FakeWorld world;
    private Sandboxes sandboxes;

    PoolTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        world.pool = 2;
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @Test
    void run_likeOneBefore_takesTheGuestThatWaits() throws Exception {
        run("one");
        waiting(1);
        List<FakeMachine> before = List.copyOf(world.started);

        FakeMachine taken = run("two");

        assertTrue(before.contains(taken));
        assertEquals(Optional.of(new SandboxName("two")), taken.guest.name());
        assertNotEquals(
                new SandboxName("two"), taken.guest.configuration().hostname(), "it was made before it was asked for");
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void guestThatWasTakenAndHasEnded_isReplaced() throws Exception {
        run("one");
        waiting(1);
        run("two");
        waiting(1);
    }

    @Test
    void list_tellsNothingOfGuestsThatWait() throws Exception {
        run("one");
        waiting(1);
        assertEquals(List.of(), sandboxes.list());
    }

    @Test
    void run_ofAnotherClientOrShape_takesNone() throws Exception {
        run("one");
        waiting(1);
        List<FakeMachine> before = List.copyOf(world.started);

        FakeMachine others = run(order("two", new HostUser(1001, 1001), 256));
        FakeMachine smaller = run(order("three", FakeWorld.CLIENT, 128));

        assertTrue(!before.contains(others) && !before.contains(smaller));
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseRootWasReplaced_takesNone() throws Exception {
        run("one");
        waiting(1);
        Files.move(world.root(), world.directory.resolve("former"));
        for (String name : List.of("proc", "sys", "dev")) {
            Files.createDirectories(world.root().resolve(name));
        }
        List<FakeMachine> before = List.copyOf(world.started);

        assertTrue(!before.contains(run("two")));
        await(() -> before.stream().noneMatch(machine -> world.machines.containsValue(machine)));
    }

    @Test
    void guestThatEnds_isNotTaken() throws Exception {
        run("one");
        waiting(1);
        List<FakeMachine> before = List.copyOf(world.started);
        before.getLast().end(MachineEnd.CRASHED);
        await(() -> sandboxes.waiting() == 0);

        assertTrue(!before.contains(run("two")));
    }

    @Test
    void run_whoseGuestDoesNotAnswerAnyMore_getsAnother() throws Exception {
        run("one");
        waiting(1);
        List<FakeMachine> before = List.copyOf(world.started);
        world.fail("guest.personalize", Code.TIMEOUT);

        assertTrue(!before.contains(run("two")));
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseNameIsTaken_fails_andLeavesNothing() throws Exception {
        run("one");
        waiting(1);
        RecordingObserver first = new RecordingObserver();
        var _ = sandboxes.run(order("box", FakeWorld.CLIENT, 256), first);
        first.awaitStarted();
        RecordingObserver second = new RecordingObserver();
        var _ = sandboxes.run(order("box", FakeWorld.CLIENT, 256), second);

        SandboxException refused = second.failure();

        assertEquals(Code.ALREADY_EXISTS, refused.code());
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void guests_thatNobodyAsksFor_go() throws Exception {
        run("one");
        waiting(1);
        world.timer.advance(Duration.ofMinutes(11));
        await(() -> sandboxes.waiting() == 0);
        awaitNothingLeft();
    }

    @Test
    void kinds_thatAreMoreThanThereIsRoomFor_doNotDriveEachOtherOut() throws Exception {
        world.pool = 1;
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        run(order("one", FakeWorld.CLIENT, 256));
        waiting(1);
        run(order("two", FakeWorld.CLIENT, 128));
        waiting(1);
        await(() -> world.machines.size() == 1);
        int started = world.started.size();

        // Whoever makes one more makes it at once.
        world.timer.advance(SECOND);
        sandboxes.shutdown(Duration.ofSeconds(10));

        assertEquals(started, world.started.size());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void kindThatCannotBeMade_leavesOthersAlone() throws Exception {
        run(order("one", FakeWorld.CLIENT, 256));
        waiting(1);
        FakeMachine good = world.started.getLast();
        run(order("two", FakeWorld.CLIENT, 128));
        world.fail("machine.start", Code.EXHAUSTED);
        world.timer.advance(SECOND);
        await(() -> world.failedStarts.get() == 1);
        world.mend("machine.start");
        world.timer.advance(SECOND);

        assertEquals(good, run(order("three", FakeWorld.CLIENT, 256)));
        waiting(1);
        assertEquals(1, world.failedStarts.get());
    }

    @Test
    void run_whoseAcceleratorWouldBeAnother_getsAnotherGuest() throws Exception {
        run("one");
        waiting(1);
        List<FakeMachine> before = List.copyOf(world.started);
        world.kvmProblem = Optional.empty();

        assertTrue(!before.contains(run("two")));
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void guestThatCannotBeMade_isNoHarm() throws Exception {
        run("one");
        world.fail("machine.start", Code.EXHAUSTED);
        world.timer.advance(SECOND);
        await(() -> world.failedStarts.get() > 0);
        world.mend("machine.start");

        run("two");

        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), world.leftovers());
    }

    /** Has guests made until so many wait. */
    private void waiting(int count) {
        world.timer.advance(SECOND);
        await(() -> sandboxes.waiting() == count);
    }

    private void awaitNothingLeft() throws IOException {
        while (!world.leftovers().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    private FakeMachine run(String name) throws Exception {
        return run(order(name, FakeWorld.CLIENT, 256));
    }

    /** Runs something to its end; returns the machine that it ran in. */
    private FakeMachine run(RunOrder order) throws Exception {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(order, observer);
        observer.awaitStarted();
        FakeMachine machine =
                world.machine(sandboxes.get(order.sandbox().name().value()).id());
        machine.guest.exit(0);
        assertEquals(0, observer.termination().getExitCode());
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
        return machine;
    }

    private RunOrder order(String name, HostUser client, int mebibytes) {
        SandboxSpec spec = RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, name, Hypervisors.DEFAULT_URI);
        return new RunOrder(
                new SandboxSpec(
                        spec.name(),
                        spec.root(),
                        spec.exposeHostRoot(),
                        spec.mounts(),
                        spec.disks(),
                        MemorySize.ofMebibytes(mebibytes),
                        spec.vcpus(),
                        spec.kernel(),
                        spec.kernelArguments(),
                        spec.accelerator(),
                        spec.libvirtUri(),
                        spec.debug(),
                        spec.fromTemplate(),
                        spec.clientLostPolicy()),
                ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("true")).build(),
                Optional.empty(),
                client,
                false,
                false);
    }
}
