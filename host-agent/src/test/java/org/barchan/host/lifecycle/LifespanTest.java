package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sandboxes that end by time. */
@Timeout(60)
class LifespanTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final String SIGTERM = "15 TERMINATION_CAUSE_MAX_LIFETIME";
    private static final String SIGKILL = "9 TERMINATION_CAUSE_MAX_LIFETIME";
    private static final String SIGTERM_IDLE = "15 TERMINATION_CAUSE_IDLE";
    private static final Lifetime IDLE = new Lifetime(Optional.empty(), Optional.of(MINUTE));
    private static final Lifetime MOST = new Lifetime(Optional.of(HOUR), Optional.empty());

    private final FakeWorld world;
    private final RecordingObserver client = new RecordingObserver();
    private Sandboxes sandboxes;

    LifespanTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            try {
                sandboxes.delete(view.id().value());
            } catch (SandboxException e) {
                // It has gone by itself meanwhile.
                assertEquals(SandboxException.Code.NOT_FOUND, e.code());
            }
        }
    }

    @Test
    void lifetimeOver_endsInOrder_andSaysWhy() throws Exception {
        var _ = start(MOST, ClientLostPolicy.DELETE, false);
        world.timer.advance(HOUR.minus(MINUTE));
        assertEquals(List.of(), guest().signals);
        world.timer.advance(MINUTE);
        assertEquals(List.of(SIGTERM), guest().signals);
        exitsForTheSignal();
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME,
                client.termination().getCause());
    }

    @Test
    void lifetimeOver_ofADeafProcess_destroysIt() throws Exception {
        var _ = start(MOST, ClientLostPolicy.KEEP, true);
        world.timer.advance(HOUR);
        world.timer.advance(TimeLimit.GRACE);
        assertEquals(List.of(SIGTERM, SIGKILL), guest().signals);
        world.timer.advance(TimeLimit.GRACE);
        Termination end = sandboxes.processes().await("box", "");
        assertTrue(end.hasLost());
        assertEquals(TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME, end.getCause());
    }

    @Test
    void lifetimeOver_whilePaused_resumesIt() throws Exception {
        var _ = start(MOST, ClientLostPolicy.KEEP, true);
        sandboxes.pause("box");
        world.timer.advance(HOUR);
        assertEquals(List.of(SIGTERM), guest().signals);
        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
    }

    @Test
    void lifetimeOver_whileThereWasNoAgent_isEndedByTheNext() throws Exception {
        SandboxView view = start(MOST, ClientLostPolicy.KEEP, true);
        sandboxes.shutdown(Duration.ofSeconds(10));
        SandboxRecords records = new SandboxRecords(
                world.directory.resolve("state/sandboxes"), world.directory.resolve("run"), 10, Events.NONE);
        records.load();
        assertEquals(MOST, records.find(view.id()).orElseThrow().view().lifetime());
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(MOST, sandboxes.get("box").lifetime());
        world.timer.advance(HOUR);
        assertEquals(List.of(SIGTERM), guest().signals);
        exitsForTheSignal();
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME,
                sandboxes.processes().await("box", "").getCause());
    }

    @Test
    void idle_whoseAgentDiesMeanwhile_saysWhy() throws Exception {
        var _ = start(IDLE, ClientLostPolicy.KEEP, true);
        world.timer.advance(MINUTE);
        sandboxes.shutdown(Duration.ofSeconds(10));
        exitsForTheSignal();
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_IDLE,
                sandboxes.processes().await("box", "").getCause());
    }

    @Test
    void idle_isEnded_andSaysWhy() throws Exception {
        var _ = start(IDLE, ClientLostPolicy.KEEP, true);
        world.timer.advance(MINUTE);
        assertEquals(List.of(SIGTERM_IDLE), guest().signals);
        exitsForTheSignal();
        assertEquals(
                TerminationCause.TERMINATION_CAUSE_IDLE,
                sandboxes.processes().await("box", "").getCause());
    }

    @Test
    void idle_isNot_whileItsClientIsThere() throws Exception {
        RunOrder order = order(IDLE, ClientLostPolicy.KEEP, false);
        Run run = sandboxes.run(order, client);
        client.awaitStarted();
        awaitRunning();
        world.timer.advance(HOUR);
        assertEquals(List.of(), guest().signals);
        run.clientLost();
        world.timer.advance(MINUTE);
        assertEquals(List.of(SIGTERM_IDLE), guest().signals);
    }

    @Test
    void idle_isNot_whileAClientHasAttached() throws Exception {
        var _ = start(IDLE, ClientLostPolicy.KEEP, true);
        RecordingObserver other = new RecordingObserver();
        Attachment attachment =
                sandboxes.processes().attach("box", "", OptionalLong.empty(), OptionalLong.empty(), true, other);
        var _ = other.attached();
        world.timer.advance(HOUR);
        assertEquals(List.of(), guest().signals);
        attachment.clientLost();
        world.timer.awaitAlarmIn(MINUTE);
        world.timer.advance(MINUTE);
        assertEquals(List.of(SIGTERM_IDLE), guest().signals);
    }

    @Test
    void idle_isNot_whileAnotherProcessRuns() throws Exception {
        var _ = start(IDLE, ClientLostPolicy.KEEP, true);
        RecordingObserver other = new RecordingObserver();
        var _ = sandboxes
                .processes()
                .execute(
                        "box",
                        new ExecOrder(
                                ProcessSpec.newBuilder()
                                        .addArgv(FakeWorld.bytes("job"))
                                        .build(),
                                Optional.empty(),
                                Optional.empty()),
                        other);
        other.awaitStarted();
        world.timer.advance(HOUR);
        assertEquals(List.of(), guest().signals);
        guest().exitOthers(0);
        world.timer.awaitAlarmIn(MINUTE);
        world.timer.advance(MINUTE);
        assertEquals(List.of(SIGTERM_IDLE), guest().signals);
    }

    @Test
    void idle_isCountedAnew_byTheNextAgent() throws Exception {
        var _ = start(IDLE, ClientLostPolicy.KEEP, true);
        world.timer.advance(MINUTE.minusSeconds(1));
        sandboxes.shutdown(Duration.ofSeconds(10));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        world.timer.advance(MINUTE.minusSeconds(1));
        assertEquals(List.of(), guest().signals);
        world.timer.advance(Duration.ofSeconds(1));
        assertEquals(List.of(SIGTERM_IDLE), guest().signals);
    }

    private SandboxView start(Lifetime lifetime, ClientLostPolicy policy, boolean detach) throws Exception {
        var _ = sandboxes.run(order(lifetime, policy, detach), client);
        if (detach) {
            client.awaitDetached();
        } else {
            client.awaitStarted();
        }
        awaitRunning();
        return sandboxes.get("box");
    }

    private void awaitRunning() throws Exception {
        while (sandboxes.get("box").phase() != SandboxView.Phase.RUNNING) {
            Thread.onSpinWait();
        }
    }

    private RunOrder order(Lifetime lifetime, ClientLostPolicy policy, boolean detach) {
        RunOrder order = FakeWorld.order(RunTest.spec(policy, world.root(), false, "box", Hypervisors.DEFAULT_URI));
        return new RunOrder(
                order.sandbox(),
                order.process(),
                order.timeout(),
                order.client(),
                false,
                false,
                new RunOrder.Kept(ProcessLog.Limit.DEFAULT, detach, false, false),
                List.of(),
                Labels.NONE,
                lifetime);
    }

    /** As the guest says it: of what its last signal was for. */
    private void exitsForTheSignal() {
        String cause = guest().signals.getLast().replaceFirst("^\\d+ ", "");
        guest().end(Termination.newBuilder()
                .setSignal(15)
                .setCause(TerminationCause.valueOf(cause))
                .build());
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
