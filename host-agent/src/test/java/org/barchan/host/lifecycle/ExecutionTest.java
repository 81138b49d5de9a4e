package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes in a sandbox beside its own. */
@Timeout(60)
final class ExecutionTest {
    private static final ProcessSpec PROCESS =
            ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("true")).build();

    private final FakeWorld world;
    private final Sandboxes sandboxes;
    private final RecordingObserver observer = new RecordingObserver();
    private final RecordingObserver other = new RecordingObserver();

    ExecutionTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @Test
    void execute_whereThereIsNoSandbox_isRefused() throws Exception {
        assertEquals(Code.NOT_FOUND, refused().code());
        start(false);
        guest().exit(0);
        observer.termination();
        SandboxException e = refused();
        assertTrue(e.code() == Code.NOT_FOUND || e.code() == Code.PRECONDITION, e::toString);
    }

    @Test
    void execute_whileTheSandboxStarts_isRefused() throws Exception {
        CompletableFuture<SandboxException> inBetween = new CompletableFuture<>();
        world.at("guest.configure", () -> inBetween.complete(refused()));
        start(false);

        SandboxException e = inBetween.get(10, TimeUnit.SECONDS);
        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("still starting"), e::toString);
        guest().exit(0);
    }

    @Test
    void signal_byItsId_reachesItAlone() throws Exception {
        start(false);
        execute();
        sandboxes.processes().signal("box", other.processId(), 10);
        assertEquals(List.of("10 TERMINATION_CAUSE_SIGNALLED_BY_CLIENT"), guest().signals);
        guest().exit(0);
    }

    @Test
    void execute_endsByItself_whileTheSandboxGoesOn() throws Exception {
        start(false);
        execute();
        guest().exitOthers(7);

        assertEquals(other.processId(), guest().forgotten.poll(10, TimeUnit.SECONDS));
        assertEquals(7, other.termination().getExitCode());
        assertEquals(1, sandboxes.list().size());
        guest().exit(3);
        assertEquals(3, observer.termination().getExitCode());
    }

    @Test
    void execute_whoseStartFails_saysSo_andIsHungUp() throws Exception {
        start(false);
        CountDownLatch hungUp = new CountDownLatch(1);
        guest().onSignal.add(hungUp::countDown);
        world.fail("guest.start", Code.TIMEOUT);
        var _ = sandboxes.processes().execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), other);

        assertEquals(Code.TIMEOUT, other.failure().code());
        assertTrue(hungUp.await(10, TimeUnit.SECONDS));
        guest().exit(0);
    }

    @Test
    void execute_whoseClientIsLost_isHungUpAndKilled() throws Exception {
        start(false);
        CountDownLatch hungUp = new CountDownLatch(1);
        guest().onSignal.add(hungUp::countDown);
        execute().clientLost();

        assertTrue(hungUp.await(10, TimeUnit.SECONDS));
        assertTrue(other.termination().hasLost());
        assertEquals(other.processId(), guest().forgotten.poll(10, TimeUnit.SECONDS));
        world.timer.advance(Duration.ofSeconds(5));
        assertEquals(List.of("1 TERMINATION_CAUSE_UNSPECIFIED", "9 TERMINATION_CAUSE_UNSPECIFIED"), guest().signals);
        guest().exit(0);
    }

    @Test
    void execute_whoseTimeIsUp_isTermedAndKilledAlone() throws Exception {
        start(false);
        var _ = sandboxes
                .processes()
                .execute("box", new ExecOrder(PROCESS, Optional.of(Duration.ofSeconds(30)), Optional.empty()), other);
        other.awaitStarted();
        world.timer.advance(Duration.ofSeconds(30));
        world.timer.advance(TimeLimit.GRACE);
        world.timer.advance(TimeLimit.GRACE);

        assertEquals(List.of("15 TERMINATION_CAUSE_TIMEOUT", "9 TERMINATION_CAUSE_TIMEOUT"), guest().signals);
        assertEquals(1, sandboxes.list().size());
        guest().exitOthers(0);
        other.termination();
        guest().exit(0);
    }

    @Test
    void execute_whoseSandboxIsDeleted_saysSo() throws Exception {
        start(false);
        execute();
        guest().die();

        assertTrue(other.termination().hasLost());
        observer.termination();
    }

    @Test
    void run_thatIsKept_isThereUntilItsClientIsDone() throws Exception {
        Run run = start(true);
        guest().exit(3);
        observer.awaitProgress("exit code 3");

        execute();
        guest().exitOthers(0);

        assertEquals(0, other.termination().getExitCode());
        SandboxException e =
                assertThrows(SandboxException.class, () -> sandboxes.processes().signal("box", "", 15));
        assertEquals(Code.PRECONDITION, e.code());
        assertEquals(1, sandboxes.list().size());
        run.requestsEnded();
        assertEquals(3, observer.termination().getExitCode());
    }

    @Test
    void run_whoseClientIsDoneBeforeItsEnd_isNotKept() throws Exception {
        Run run = start(true);
        run.requestsEnded();
        guest().exit(3);
        assertEquals(3, observer.termination().getExitCode());
    }

    @Test
    void run_thatIsDeletedWhileItIsKept_hasItsStatus() throws Exception {
        start(true);
        guest().exit(3);
        observer.awaitProgress("exit code 3");

        sandboxes.delete("box");

        assertEquals(3, observer.termination().getExitCode());
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_EXITED,
                observer.termination().getCause());
    }

    private SandboxException refused() {
        return assertThrows(
                SandboxException.class,
                () -> sandboxes
                        .processes()
                        .execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), other));
    }

    private ProcessControl execute() throws Exception {
        ProcessControl execution =
                sandboxes.processes().execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), other);
        other.awaitStarted();
        return execution;
    }

    private Run start(boolean keep) throws Exception {
        Run run = sandboxes.run(
                new RunOrder(
                        RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, "box", Hypervisors.DEFAULT_URI),
                        PROCESS,
                        Optional.empty(),
                        FakeWorld.CLIENT,
                        false,
                        keep),
                observer);
        observer.awaitStarted();
        return run;
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
