package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ReconciliationTest {
    private static final String DAEMON = "qemu:///system";

    private final FakeWorld world;

    ReconciliationTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
    }

    @Test
    void reconcile_whatWasLeftHalfMade_isRemoved() {
        world.sandboxes().reconcile();

        assertTrue(world.tidied.get());
    }

    @Test
    void reconcile_directoryWithoutMachine_isRemoved() throws Exception {
        RuntimeDirectories directories = directories();
        directories.create(SandboxId.random(), world.emulatorUser(FakeWorld.CLIENT), Hypervisors.DEFAULT_URI);
        Files.createDirectory(
                world.directory.resolve("run/s").resolve(SandboxId.random().value()));
        Path foreign = Files.createFile(world.directory.resolve("run/s/README"));

        world.sandboxes().reconcile();

        assertEquals(List.of(foreign.toString()), world.leftovers());
    }

    @Test
    void reconcile_hypervisorThatCannotBeOpened_leavesItsDirectories() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        world.fail("driver.open", Code.PRECONDITION);

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();

        assertEquals(List.of(), sandboxes.list());
        assertFalse(world.leftovers().isEmpty());
        world.mend("driver.open");
        run(sandboxes, "other").awaitStarted();
        assertFalse(machine.destroyed);
        assertEquals("box", sandboxes.get("box").name().value());
    }

    @Test
    void reconcile_policyDelete_isDestroyed() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.DELETE, "box");

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        for (SandboxView view : sandboxes.list()) {
            try {
                sandboxes.delete(view.id().value());
            } catch (SandboxException e) {
                assertEquals(Code.NOT_FOUND, e.code(), "it was gone before it was asked for");
            }
        }

        assertTrue(machine.destroyed);
        assertFalse(machine.guest.settled, "nobody has its link");
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_policyDelete_thatWasRenamed_endsByItsLastName() throws Exception {
        SandboxId id = left(ClientLostPolicy.DELETE, "box").record().id();
        SandboxName box = new SandboxName("box");
        Events killed =
                Events.open(world.directory.resolve("state/events"), world.directory.resolve("run"), world.bootId());
        killed.running(id, box);
        killed.renamed(id, box, new SandboxName("other"));

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }

        assertEquals(
                List.of(
                        "box SANDBOX_RUNNING",
                        "other SANDBOX_RENAMED from box",
                        "other SANDBOX_ENDED lost: its client was lost with the agent",
                        "other SANDBOX_DELETED"),
                FormerEventsTest.told(sandboxes.events()));
    }

    @Test
    void reconcile_furtherProcesses_areHungUpAndForgotten() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        machine.guest.addOther("exec-1");

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();

        assertEquals("exec-1", machine.guest.forgotten.poll(10, TimeUnit.SECONDS));
        world.timer.advance(Execution.GRACE);
        assertEquals(
                List.of("1 TERMINATION_CAUSE_UNSPECIFIED", "9 TERMINATION_CAUSE_UNSPECIFIED"), machine.guest.signals);
        machine.guest.exit(0);
        awaitGone(sandboxes);
    }

    @Test
    void reconcile_policyKeep_isAdoptedUntilItsProcessEnds() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();

        SandboxView view = sandboxes.get("box");
        assertEquals(SandboxView.Phase.RUNNING, view.phase());
        assertEquals(machine.record().id(), view.id());
        assertEquals(2, view.linkEpochs());
        assertEquals(Code.ALREADY_EXISTS, run(sandboxes, "box").failure().code());
        machine.guest.exit(0);
        assertTrue(machine.guest.shutdownAsked.await(10, TimeUnit.SECONDS));
        assertTrue(machine.guest.settled, "its images lack what was written last");
        awaitGone(sandboxes);
    }

    @Test
    void delete_ofAnAdoptedSandboxThatWritesImages_settlesThem() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();

        sandboxes.delete("box");

        assertTrue(machine.guest.settled);
        assertTrue(machine.destroyed);
    }

    @Test
    void reconcile_policyKeepButProcessNeverStarted_isDestroyed() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        machine.guest.hasProcess = false;

        world.sandboxes().reconcile();

        assertTrue(machine.destroyed);
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_policyKeepButAnotherBoot_isDestroyed() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        machine.guest.bootId = "another";

        world.sandboxes().reconcile();

        assertTrue(machine.destroyed);
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_policyKeepButSilent_isDestroyed() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        machine.guest.timesOut = true;

        world.sandboxes().reconcile();

        assertTrue(machine.destroyed);
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_sharedDaemon_leavesForeignMachinesAlone() throws Exception {
        // The embedded driver would have the same machines here, and takes over all that it finds.
        world.fail("driver.open " + Hypervisors.DEFAULT_URI, Code.PRECONDITION);
        FakeMachine own = left(ClientLostPolicy.DELETE, "own", DAEMON);
        SandboxId id = SandboxId.random();
        FakeMachine foreign = start(id, ClientLostPolicy.DELETE, "foreign", Path.of("/run/other/s/" + id));

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        var _ = own.ended().toCompletableFuture().get(10, TimeUnit.SECONDS);

        assertTrue(own.destroyed);
        assertFalse(foreign.destroyed);
        assertTrue(sandboxes.list().stream().noneMatch(view -> view.id().equals(id)));
    }

    /** As root, qemu:///session and qemu:///system are one daemon. */
    @Test
    void run_onAnotherUriOfTheSameDaemon_leavesTheFirstRunsAlone() throws Exception {
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        run(sandboxes, "first", DAEMON).awaitStarted();
        run(sandboxes, "second", "qemu:///session").awaitStarted();

        assertFalse(world.started.getFirst().destroyed);
        assertEquals(
                List.of("first", "second"),
                sandboxes.list().stream().map(view -> view.name().value()).toList());
    }

    @Test
    void reconcile_paused_staysSo_untilItIsResumed() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        machine.paused = true;

        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertTrue(machine.guest.watched.await(10, TimeUnit.SECONDS));
        while (sandboxes.get("box").phase() != SandboxView.Phase.PAUSED) {
            Thread.onSpinWait();
        }
        assertTrue(machine.paused);
        RecordingObserver client = new RecordingObserver();
        var _ = sandboxes.processes().attach("box", "", OptionalLong.of(0), OptionalLong.of(0), false, client);
        assertEquals(0, client.attached().getStdoutOffset());

        sandboxes.resume("box");
        machine.guest.exit(3);
        assertEquals(3, client.termination().getExitCode());
        awaitGone(sandboxes);
    }

    @Test
    void reconcile_adopted_goesOnWithItsLog() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        machine.guest.write("more", 0);
        machine.guest.exit(7);

        assertEquals(7, sandboxes.processes().await("box", "").getExitCode());
        assertEquals(List.of("started", "more", "exit 7"), RunTest.log(sandboxes, "box"));
        awaitGone(sandboxes);
    }

    @Test
    void reconcile_machineGone_saysThatItsEndWasNotSeen_toEverybodyTheSame() throws Exception {
        SandboxId id = SandboxId.random();
        try (ProcessLog log = recorded(id, "box")) {
            log.append(ProcessEvent.newBuilder()
                    .setStarted(ProcessStarted.getDefaultInstance())
                    .build());
        }
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        Termination end = sandboxes.processes().await(id.value(), "");
        assertTrue(end.getLost().getReason().contains("the virtual machine had ended"), end.toString());
        assertEquals(end, sandboxes.processes().await("box", ""));

        Sandboxes next = world.sandboxes();
        next.reconcile();
        assertEquals(end, next.processes().await("box", ""));
        assertEquals(SandboxView.Phase.ENDED, next.get("box").phase());
        next.delete("box");
        assertEquals(
                Code.NOT_FOUND,
                assertThrows(SandboxException.class, () -> next.processes().await("box", ""))
                        .code());
    }

    @Test
    void reconcile_recordOfAnotherAgent_isLeftAlone() throws Exception {
        SandboxId id = SandboxId.random();
        recorded(id, "box").close();
        Path owner =
                world.directory.resolve("state/sandboxes").resolve(id.value()).resolve("owner");
        Files.writeString(owner, "/run/another");
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(List.of(), sandboxes.listAll());
        assertTrue(Files.exists(owner));
    }

    @Test
    void reconcile_recordThatWasNeverMade_isRemoved() throws Exception {
        SandboxId id = SandboxId.random();
        recorded(id, "box").close();
        Path record = world.directory.resolve("state/sandboxes").resolve(id.value());
        Files.delete(record.resolve("sandbox"));
        world.sandboxes().reconcile();
        assertFalse(Files.exists(record));
    }

    @Test
    void shutdown_adopted_isLeftRunning() throws Exception {
        FakeMachine machine = left(ClientLostPolicy.KEEP, "box");
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();

        sandboxes.shutdown(Duration.ofSeconds(10));

        assertFalse(machine.destroyed);
    }

    private static void awaitGone(Sandboxes sandboxes) throws Exception {
        for (SandboxView view : sandboxes.list()) {
            try {
                sandboxes.delete(view.id().value());
            } catch (SandboxException e) {
                assertEquals(Code.NOT_FOUND, e.code());
            }
        }
    }

    /** Makes what an agent leaves that was killed while a sandbox ran. */
    private FakeMachine left(ClientLostPolicy policy, String name) throws SandboxException {
        return left(policy, name, Hypervisors.DEFAULT_URI);
    }

    private FakeMachine left(ClientLostPolicy policy, String name, String uri) throws SandboxException {
        RuntimeDirectories directories = directories();
        SandboxId id = SandboxId.random();
        Path directory = directories.create(id, world.emulatorUser(FakeWorld.CLIENT), uri);
        directories.noteBoot(id, "guest-boot");
        if (policy == ClientLostPolicy.KEEP) {
            recorded(id, name);
        }
        return start(id, policy, name, directory);
    }

    /** Makes what an agent keeps of a sandbox that outlives its client. */
    private ProcessLog recorded(SandboxId id, String name) throws SandboxException {
        SandboxRecords records = new SandboxRecords(
                world.directory.resolve("state/sandboxes"), world.directory.resolve("run"), 10, Events.NONE);
        SandboxView view = new SandboxView(
                id,
                new SandboxName(name),
                SandboxView.Phase.RUNNING,
                Optional.of(Accelerator.TCG),
                "6.1",
                Instant.EPOCH,
                "guest-boot",
                1,
                ClientLostPolicy.KEEP,
                SandboxProcess.getDefaultInstance(),
                Optional.empty());
        return records.create(view, RunOrder.Kept.DEFAULT).log();
    }

    private FakeMachine start(SandboxId id, ClientLostPolicy policy, String name, Path directory)
            throws SandboxException {
        var _ = world.start(new MachineSpec(
                new MachineRecord(
                        id, new SandboxName(name), Instant.EPOCH, policy, Accelerator.TCG, "6.1", true, directory),
                MemorySize.DEFAULT,
                1,
                Path.of("/k"),
                Path.of("/i"),
                "",
                List.of(),
                List.of(),
                FakeWorld.CLIENT,
                Optional.empty()));
        FakeMachine machine = world.started.getLast();
        machine.guest.configured = true;
        machine.guest.hasProcess = true;
        machine.guest.connected();
        return machine;
    }

    private RuntimeDirectories directories() {
        return new RuntimeDirectories(world.directory.resolve("run/s"));
    }

    private RecordingObserver run(Sandboxes sandboxes, String name) throws SandboxException {
        return run(sandboxes, name, Hypervisors.DEFAULT_URI);
    }

    private RecordingObserver run(Sandboxes sandboxes, String name, String uri) throws SandboxException {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(
                FakeWorld.order(RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, name, uri)), observer);
        return observer;
    }
}
