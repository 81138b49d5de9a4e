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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class RunTest {
    private final Path directory;
    private final RecordingObserver observer = new RecordingObserver();
    private FakeWorld world;
    private Sandboxes sandboxes;

    RunTest(@TempDir Path directory) throws IOException {
        this.directory = directory;
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "driver.open",
                "driver.running",
                "bootFiles.prepare",
                "machine.start",
                "console.open",
                "guest.hello",
                "guest.configure",
                "guest.start"
            })
    void run_whereAStepFails_saysSoAndLeavesNothing(String step) throws Exception {
        world = new FakeWorld(directory);
        world.fail(step, Code.PRECONDITION);
        sandboxes = world.sandboxes();

        run(order(ClientLostPolicy.DELETE));

        assertTrue(String.valueOf(observer.failure().getMessage()).contains("injected: " + step));
        assertEquals(List.of(), world.leftovers());
        sandboxes.reconcile();
        assertEquals(List.of(), sandboxes.list());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bootFiles.prepare", "machine.start", "console.open", "guest.hello", "guest.start"})
    void run_whereAStepHasABug_isInternalAndLeavesNothing(String step) throws Exception {
        world.fail(step, new IllegalStateException("bug"));

        run(order(ClientLostPolicy.DELETE));

        assertEquals(Code.INTERNAL, observer.failure().code());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whereTheStreamsFail_endsLostAndLeavesNothing() throws Exception {
        world.fail("connection.take", Code.LOST);

        run(order(ClientLostPolicy.DELETE));

        Termination termination = observer.termination();
        assertTrue(termination.hasLost());
        assertTrue(termination.getLost().getReason().contains("the last console line"));
        awaitGone();
    }

    @Test
    void run_rootThatIsNoDirectory_namesIt() throws Exception {
        run(order(ClientLostPolicy.DELETE, directory.resolve("nothing")));

        assertEquals(Code.PRECONDITION, observer.failure().code());
        assertTrue(message(observer.failure()).contains(directory.resolve("nothing") + ""));
        assertTrue(world.started.isEmpty());
    }

    @Test
    void run_rootWithoutMountPoints_namesThoseMissing() throws Exception {
        Files.delete(world.root().resolve("sys"));

        run(order(ClientLostPolicy.DELETE));

        assertTrue(message(observer.failure()).contains("it has no directory sys "), message(observer.failure()));
    }

    @Test
    void run_nameInUse_refusesAndLeavesTheFirstAlone() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        RecordingObserver second = new RecordingObserver();

        sandboxes.run(order(ClientLostPolicy.DELETE), second);

        assertEquals(Code.ALREADY_EXISTS, second.failure().code());
        assertEquals(1, sandboxes.list().size());
        guest().exit(0);
        assertEquals(0, observer.termination().getExitCode());
    }

    @Test
    void run_nameOfASandboxBeingTakenDown_waitsForIt() throws Exception {
        world.onStart = machine -> machine.guest.ignoresShutdown = true;
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        guest().exit(0);
        observer.termination();
        world.timer.awaitAlarmIn(Teardown.GRACE);
        RecordingObserver second = new RecordingObserver();

        sandboxes.run(order(ClientLostPolicy.DELETE), second);
        world.timer.advance(Teardown.GRACE);

        second.awaitStarted();
        assertTrue(world.started.getFirst().destroyed);
        world.started.getLast().guest.exit(0);
        second.termination();
        world.timer.awaitAlarmIn(Teardown.GRACE);
        world.timer.advance(Teardown.GRACE);
        awaitGone();
    }

    @Test
    void run_commandThatExits_tellsAllInOrderThenTakesDown() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        guest().write("hello", 0);
        guest().exit(7);

        assertEquals("hello", observer.next().getOutput().getData().toStringUtf8());
        Termination termination = observer.termination();
        assertEquals(7, termination.getExitCode());
        assertEquals(TerminationCause.TERMINATION_CAUSE_EXITED, termination.getCause());
        awaitGone();
        assertEquals(0, guest().shutdownAsked.getCount());
        assertFalse(observer.views.isEmpty());
        assertEquals("guest-boot", observer.views.getLast().bootId());
        assertEquals(
                1,
                observer.progress.stream().filter(p -> p.startsWith("WARNING")).count());
        assertTrue(world.specs.getFirst().commandLine().contains("quiet"));
    }

    @Test
    void run_debug_forwardsTheConsole() throws Exception {
        run(order(ClientLostPolicy.DELETE, world.root(), true));
        observer.awaitStarted();
        guest().exit(0);
        observer.termination();

        assertEquals("boot messages", observer.console.getFirst().toStringUtf8());
        assertTrue(world.specs.getFirst().commandLine().contains("barchan.debug=1"));
    }

    @Test
    void signal_beforeTheProcessRuns_isSentOnceItDoes() throws Exception {
        CountDownLatch signalled = new CountDownLatch(1);
        CompletableFuture<Void> sent = new CompletableFuture<>();
        world.onStart = machine -> {
            assertFalse(machine.guest.hasProcess);
            machine.guest.onSignal.add(signalled::countDown);
            sent.join();
        };
        Run run = sandboxes.run(order(ClientLostPolicy.DELETE), observer);
        run.input().resize(TerminalSize.newBuilder().setRows(24).setColumns(80).build());
        run.input().resize(TerminalSize.newBuilder().setRows(33).setColumns(77).build());
        run.input().signal(2);
        sent.complete(null);

        assertTrue(signalled.await(10, TimeUnit.SECONDS));
        // Only the last size counts.
        assertEquals(List.of("size 33x77", "2 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), guest().signals);
        assertTrue(guest().hasProcess);
        guest().exit(0);
        observer.termination();
        awaitGone();
    }

    @Test
    void stdin_processThatDoesNotRead_stillGetsSignals() throws Exception {
        CountDownLatch signalled = new CountDownLatch(1);
        world.onStart = machine -> {
            machine.guest.blockStdin();
            machine.guest.onSignal.add(signalled::countDown);
        };
        Run run = sandboxes.run(order(ClientLostPolicy.DELETE), observer);
        run.input().data(FakeWorld.bytes("never read"), () -> {});
        run.input().signal(2);

        assertTrue(signalled.await(10, TimeUnit.SECONDS));
        assertEquals(List.of("2 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), guest().signals);
        guest().exit(0);
        observer.termination();
        awaitGone();
    }

    @Test
    void stdin_isPassedOnInOrderThenEnds() throws Exception {
        CountDownLatch taken = new CountDownLatch(2);
        Run run = sandboxes.run(order(ClientLostPolicy.DELETE), observer);
        run.input().data(FakeWorld.bytes("a"), taken::countDown);
        run.input().data(FakeWorld.bytes("b"), taken::countDown);
        run.input().end();

        assertTrue(taken.await(10, TimeUnit.SECONDS));
        assertTrue(guest().stdinClosed.await(10, TimeUnit.SECONDS));
        assertEquals(List.of(FakeWorld.bytes("a"), FakeWorld.bytes("b")), guest().stdin);
        guest().exit(0);
        observer.termination();
        awaitGone();
    }

    @Test
    void timeout_processThatIgnoresAll_isTermedKilledDestroyed() throws Exception {
        run(new RunOrder(
                spec(ClientLostPolicy.DELETE, world.root(), false),
                process(),
                Optional.of(Duration.ofSeconds(30)),
                FakeWorld.CLIENT,
                false,
                false));
        observer.awaitStarted();

        world.timer.advance(Duration.ofSeconds(29));
        assertEquals(List.of(), guest().signals);
        world.timer.advance(Duration.ofSeconds(1));
        assertEquals(List.of("15 TERMINATION_CAUSE_TIMEOUT"), guest().signals);
        world.timer.advance(TimeLimit.GRACE);
        assertEquals(List.of("15 TERMINATION_CAUSE_TIMEOUT", "9 TERMINATION_CAUSE_TIMEOUT"), guest().signals);
        world.timer.advance(TimeLimit.GRACE);

        Termination termination = observer.termination();
        assertTrue(termination.hasLost());
        assertEquals(TerminationCause.TERMINATION_CAUSE_TIMEOUT, termination.getCause());
        awaitGone();
        assertTrue(world.started.getFirst().destroyed);
    }

    @Test
    void qemuDies_whileTheProcessRuns_isVmmCrashWithWhatWasRead() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        guest().write("abc", 0);
        observer.next();
        world.started.getFirst().end(MachineEnd.CRASHED);

        Termination termination = observer.termination();
        assertEquals(TerminationCause.TERMINATION_CAUSE_VMM_CRASH, termination.getCause());
        assertEquals(3, termination.getStdoutBytes());
        assertTrue(termination.getLost().getReason().contains("qemu said this"));
        awaitGone();
    }

    @Test
    void guestPanics_whileTheProcessRuns_isGuestPanic() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        world.started.getFirst().console.panicked = true;
        world.started.getFirst().end(MachineEnd.CRASHED);

        assertEquals(
                TerminationCause.TERMINATION_CAUSE_GUEST_PANIC,
                observer.termination().getCause());
        awaitGone();
    }

    @Test
    void qemuDies_whileBooting_failsAtOnceWithDiagnosis() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        run(order(ClientLostPolicy.DELETE));
        awaitMachine();
        guest().asked.await();
        world.started.getFirst().end(MachineEnd.CRASHED);

        assertEquals(Code.LOST, observer.failure().code());
        assertTrue(message(observer.failure()).contains("the last console line"));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void machineThatDies_beforeItsConsoleIsConnected_saysWhatQemuSaid() throws Exception {
        world.fail("console.open", Code.LOST);

        run(order(ClientLostPolicy.DELETE));

        assertEquals(Code.LOST, observer.failure().code());
        assertTrue(message(observer.failure()).contains("qemu said this"), message(observer.failure()));
        assertEquals(List.of(), world.leftovers());
    }

    /** What is interrupted then fails with an error of its own. */
    @Test
    void clientLost_whileTheConsoleIsConnected_isNoFailureOfTheMachine() throws Exception {
        CompletableFuture<Run> run = new CompletableFuture<>();
        world.fail("console.open", Code.LOST);
        world.onStart = machine -> run.join().clientLost();

        run.complete(sandboxes.run(order(ClientLostPolicy.DELETE), observer));

        assertTrue(message(observer.failure()).startsWith("the client went away"), message(observer.failure()));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void guestThatDoesNotComeUp_isTimeoutWithDiagnosis() throws Exception {
        world.onStart = machine -> machine.guest.timesOut = true;
        run(order(ClientLostPolicy.DELETE));

        assertEquals(Code.TIMEOUT, observer.failure().code());
        assertTrue(message(observer.failure()).contains("waiting up to 60 s"), message(observer.failure()));
        assertTrue(message(observer.failure()).contains("qemu said this"));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void clientLost_whileStarting_destroysWhatWasBuilt() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        Run run = sandboxes.run(order(ClientLostPolicy.KEEP), observer);
        awaitMachine();
        guest().asked.await();

        run.clientLost();

        observer.failure();
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void clientLost_policyDelete_destroys() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.DELETE), observer);
        observer.awaitStarted();

        run.clientLost();

        awaitGone();
        assertTrue(world.started.getFirst().destroyed);
    }

    @Test
    void machineThatCannotBeDestroyed_isListedAndTriedAgainUntilItIsGone() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.DELETE), observer);
        observer.awaitStarted();
        world.fail("machine.destroy", Code.PRECONDITION);

        run.clientLost();
        world.timer.awaitAlarmIn(Undo.PAUSE);

        assertEquals(SandboxView.Phase.STOPPING, sandboxes.get("box").phase());
        world.timer.advance(Undo.PAUSE);
        assertEquals(SandboxView.Phase.STOPPING, sandboxes.get("box").phase());
        String id = world.started.getFirst().record().id().value();
        assertTrue(Files.exists(directory.resolve("run/s").resolve(id)), "the next agent would not find the machine");
        world.mend("machine.destroy");
        world.timer.advance(Undo.PAUSE);
        assertEquals(List.of(), sandboxes.list());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void clientLost_toldTwice_policyKeep_runsOn() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.KEEP), observer);
        observer.awaitStarted();

        run.clientLost();
        run.clientLost();

        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
        guest().exit(0);
        assertTrue(guest().shutdownAsked.await(10, TimeUnit.SECONDS));
        awaitGone();
    }

    @Test
    void clientLost_policyKeep_runsOnUntilTheProcessEnds() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.KEEP), observer);
        observer.awaitStarted();

        run.clientLost();

        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
        assertFalse(world.started.getFirst().destroyed);
        guest().exit(0);
        assertTrue(guest().shutdownAsked.await(10, TimeUnit.SECONDS));
        awaitGone();
    }

    @Test
    void clientLost_policyKeep_whatTheProcessDoesIsKept() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.KEEP), observer);
        observer.awaitStarted();
        guest().write("one", 0);
        assertEquals("one", observer.next().getOutput().getData().toStringUtf8());

        run.clientLost();
        guest().write("two", 3);
        guest().exit(3);

        assertEquals(3, sandboxes.processes().await("box", "").getExitCode());
        assertEquals(List.of("started", "one", "two", "exit 3"), log(sandboxes, "box"));
        awaitEnded();
        assertEquals(List.of(), sandboxes.list());
        assertEquals(SandboxView.Phase.ENDED, sandboxes.listAll().getFirst().phase());
        assertEquals(3, sandboxes.get("box").end().orElseThrow().termination().getExitCode());
        assertEquals(
                Code.PRECONDITION,
                assertThrows(SandboxException.class, () -> sandboxes.processes().signal("box", "", 1))
                        .code());
        assertTrue(sandboxes.stop("box", 15, Duration.ZERO), "it has ended");
        sandboxes.delete("box");
        assertEquals(List.of(), sandboxes.listAll());
        assertEquals(
                Code.NOT_FOUND,
                assertThrows(SandboxException.class, () -> sandboxes.processes().await("box", ""))
                        .code());
    }

    @Test
    void clientThatStays_policyKeep_getsAllThatIsKept() throws Exception {
        run(order(ClientLostPolicy.KEEP));
        observer.awaitStarted();
        guest().write("one", 0);
        guest().exit(4);

        assertEquals("one", observer.next().getOutput().getData().toStringUtf8());
        assertEquals(4, observer.termination().getExitCode());
        assertEquals(List.of("started", "one", "exit 4"), log(sandboxes, "box"));
    }

    @Test
    void deleteWhenEnded_leavesNothing() throws Exception {
        RunOrder order = order(ClientLostPolicy.KEEP);
        run(new RunOrder(
                order.sandbox(),
                order.process(),
                order.timeout(),
                order.client(),
                false,
                false,
                new RunOrder.Kept(ProcessLog.Limit.DEFAULT, false, true, false)));
        observer.awaitStarted();
        guest().exit(0);

        assertEquals(0, observer.termination().getExitCode());
        awaitEnded();
        assertEquals(List.of(), sandboxes.listAll());
    }

    @Test
    void shutdown_policyKeep_tellsTheClient_andKeepsNoEnd() throws Exception {
        run(order(ClientLostPolicy.KEEP));
        observer.awaitStarted();

        sandboxes.shutdown(Duration.ofSeconds(10));

        assertEquals(Code.UNAVAILABLE, observer.failure().code());
        assertEquals(1, observer.inputClosed.getCount(), "its input goes on with the next agent");
        assertFalse(world.started.getFirst().destroyed);
        assertThrows(
                SandboxException.class,
                () -> sandboxes.processes().await("box", ""),
                "nothing is known of an end that was not seen");
    }

    @Test
    void await_ofAProcessThatWasNotStarted_saysWhy() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        run(order(ClientLostPolicy.DELETE));
        awaitMachine();
        CompletableFuture<SandboxException> waiter = CompletableFuture.supplyAsync(() ->
                assertThrows(SandboxException.class, () -> sandboxes.processes().await("box", "")));
        guest().asked.await();
        sandboxes.delete("box");
        assertTrue(message(waiter.get(10, TimeUnit.SECONDS)).contains("sandbox"));
    }

    @Test
    void readLog_ofASandboxOfWhichNothingIsKept_saysSo() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        SandboxException error = assertThrows(SandboxException.class, () -> log(sandboxes, "box"));
        assertEquals(Code.PRECONDITION, error.code());
        assertTrue(message(error).contains("nothing is kept"), message(error));
        guest().exit(0);
        assertEquals(0, sandboxes.processes().await("box", "").getExitCode());
    }

    private void awaitEnded() throws Exception {
        for (SandboxView view : sandboxes.list()) {
            try {
                assertTrue(sandboxes.stop(view.id().value(), 15, Duration.ofSeconds(10)));
            } catch (SandboxException e) {
                assertEquals(Code.NOT_FOUND, e.code());
            }
        }
    }

    /** Returns what is kept of a sandbox's process, until it has ended. */
    static List<String> log(Sandboxes sandboxes, String name) throws Exception {
        List<String> entries = new ArrayList<>();
        sandboxes.processes().readLog(name, "", true, Instant.MIN, 0, 0, entry -> {
            ProcessEvent event = entry.getEvent();
            entries.add(
                    switch (event.getEventCase()) {
                        case STARTED -> "started";
                        case OUTPUT -> event.getOutput().getData().toStringUtf8();
                        case TERMINATED -> "exit " + event.getTerminated().getExitCode();
                        case EVENT_NOT_SET -> "gap";
                    });
        });
        return entries;
    }

    @Test
    void paused_takesNothing_untilItIsResumed() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        sandboxes.resume("box");

        sandboxes.pause("box");

        assertTrue(world.started.getFirst().paused);
        assertEquals(SandboxView.Phase.PAUSED, sandboxes.get("box").phase());
        sandboxes.pause("box");
        refused("it is paused", () -> sandboxes.processes().signal("box", "", 15));
        sandboxes.resume("box");
        assertFalse(world.started.getFirst().paused);
        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
        world.fail("machine.pause", Code.PRECONDITION);
        refused("machine.pause", () -> sandboxes.pause("box"));
        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
        // So that it is still there when it is asked for once more.
        guest().ignoresShutdown = true;
        guest().exit(0);
        assertEquals(0, observer.termination().getExitCode());
        refused("ended", () -> sandboxes.pause("box"));
        guest().shutdownAsked.await();
        world.timer.advance(Teardown.GRACE);
    }

    private static void refused(String part, org.junit.jupiter.api.function.Executable action) {
        SandboxException reason = assertThrows(SandboxException.class, action);
        assertTrue(message(reason).contains(part), message(reason));
    }

    @Test
    void delete_afterTheClientWasLost_destroys() throws Exception {
        Run run = sandboxes.run(order(ClientLostPolicy.KEEP), observer);
        observer.awaitStarted();
        run.clientLost();

        sandboxes.delete("box");

        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void delete_whileRunning_returnsWhenNothingIsLeft() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();

        sandboxes.delete("box");

        assertEquals(List.of(), world.leftovers());
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_SANDBOX_DELETED,
                observer.termination().getCause());
        assertEquals(
                Code.NOT_FOUND,
                assertThrows(SandboxException.class, () -> sandboxes.delete("box"))
                        .code());
    }

    @Test
    void delete_whileStarting_endsTheRun() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        run(order(ClientLostPolicy.DELETE));
        awaitMachine();
        guest().asked.await();

        sandboxes.delete("box");

        assertEquals(List.of(), world.leftovers());
        assertTrue(message(observer.failure()).contains("deleted"));
    }

    @Test
    void stop_whatEndsByTheSignal_isToldSo_andGone() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();
        guest().onSignal.add(() -> guest().exit(3));

        assertTrue(sandboxes.stop("box", 2, Duration.ofSeconds(30)));

        assertEquals(List.of("2 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), guest().signals);
        assertEquals(3, observer.termination().getExitCode());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void stop_whatDoesNotEnd_isDeleted() throws Exception {
        run(order(ClientLostPolicy.DELETE));
        observer.awaitStarted();

        assertFalse(sandboxes.stop("box", 15, Duration.ofMillis(1)));

        assertEquals(List.of("15 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), guest().signals);
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_SANDBOX_DELETED,
                observer.termination().getCause());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void stop_whatIsKeptAfterItsProcessHasEnded_isDeletedAtOnce() throws Exception {
        sandboxes.run(
                new RunOrder(
                        spec(ClientLostPolicy.DELETE, world.root(), false, "box"),
                        process(),
                        Optional.empty(),
                        FakeWorld.CLIENT,
                        false,
                        true),
                observer);
        observer.awaitStarted();
        guest().onSignal.add(() -> guest().exit(0));

        assertTrue(sandboxes.stop("box", 15, Duration.ofSeconds(30)));

        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void stop_whileStarting_endsTheRun() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        run(order(ClientLostPolicy.DELETE));
        awaitMachine();
        guest().asked.await();

        assertFalse(sandboxes.stop("box", 15, Duration.ofSeconds(30)));

        assertEquals(List.of(), world.leftovers());
        assertTrue(message(observer.failure()).contains("deleted"));
    }

    @Test
    void stop_ofNoSandbox_isNotFound() {
        assertEquals(
                Code.NOT_FOUND,
                assertThrows(SandboxException.class, () -> sandboxes.stop("none", 15, Duration.ZERO))
                        .code());
    }

    @Test
    void shutdown_keepsThoseToBeKeptAndDestroysTheOthers() throws Exception {
        run(order(ClientLostPolicy.KEEP));
        observer.awaitStarted();
        RecordingObserver other = new RecordingObserver();
        SandboxSpec spec = spec(ClientLostPolicy.DELETE, world.root(), false, "other");
        sandboxes.run(new RunOrder(spec, process(), Optional.empty(), FakeWorld.CLIENT, false, false), other);
        other.awaitStarted();

        sandboxes.shutdown(Duration.ofSeconds(10));

        assertFalse(world.started.getFirst().destroyed);
        assertTrue(world.started.getLast().destroyed);
        assertTrue(other.termination().hasLost());
        RecordingObserver late = new RecordingObserver();
        sandboxes.run(new RunOrder(spec, process(), Optional.empty(), FakeWorld.CLIENT, false, false), late);
        assertEquals(Code.UNAVAILABLE, late.failure().code());
    }

    @Test
    void shutdown_whileKvmIsBeingProved_destroysTheTrialAndForgetsIt() throws Exception {
        world.kvmProblem = Optional.empty();
        world.onStart = machine -> machine.guest.silent = true;
        run(order(ClientLostPolicy.DELETE));
        awaitMachine();
        guest().asked.await();

        sandboxes.shutdown(Duration.ofSeconds(10));

        assertTrue(world.started.getFirst().destroyed);
        assertEquals(Code.UNAVAILABLE, observer.failure().code());
        assertEquals(List.of(), world.leftovers());
        assertFalse(Files.exists(directory.resolve("state/accelerator")), "nothing was found out about KVM");
    }

    private void run(RunOrder order) throws SandboxException {
        var _ = sandboxes.run(order, observer);
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }

    private void awaitMachine() {
        while (world.started.isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private void awaitGone() throws Exception {
        for (SandboxView view : sandboxes.list()) {
            try {
                sandboxes.delete(view.id().value());
            } catch (SandboxException e) {
                assertEquals(Code.NOT_FOUND, e.code());
            }
        }
        assertEquals(List.of(), world.leftovers());
    }

    private RunOrder order(ClientLostPolicy policy) {
        return order(policy, world.root());
    }

    private static RunOrder order(ClientLostPolicy policy, Path root) {
        return order(policy, root, false);
    }

    private static RunOrder order(ClientLostPolicy policy, Path root, boolean debug) {
        return new RunOrder(spec(policy, root, debug), process(), Optional.empty(), FakeWorld.CLIENT, false, false);
    }

    private static ProcessSpec process() {
        return ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("true")).build();
    }

    private static SandboxSpec spec(ClientLostPolicy policy, Path root, boolean debug) {
        return spec(policy, root, debug, "box");
    }

    private static SandboxSpec spec(ClientLostPolicy policy, Path root, boolean debug, String name) {
        return spec(policy, root, debug, name, Hypervisors.DEFAULT_URI);
    }

    static SandboxSpec spec(ClientLostPolicy policy, Path root, boolean debug, String name, String uri) {
        return new SandboxSpec(
                new SandboxName(name),
                new Root.Directory(new GuestPath(root.toString()), new Access.ReadOnly(), Optional.empty()),
                false,
                List.of(),
                List.of(),
                MemorySize.DEFAULT,
                1,
                new KernelChoice.Newest(),
                List.of(),
                AcceleratorChoice.AUTO,
                uri,
                debug,
                true,
                policy);
    }

    private static String message(SandboxException e) {
        return String.valueOf(e.getMessage());
    }
}
