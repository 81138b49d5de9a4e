package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.v1.Attached;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.Terminal;
import org.barchan.v1.TerminalSize;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that join a process which runs. */
class AttachmentTest {
    private final FakeWorld world;
    private final Sandboxes sandboxes;
    private final RecordingObserver first = new RecordingObserver();
    private final RecordingObserver second = new RecordingObserver();

    AttachmentTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            sandboxes.delete(view.id().value());
        }
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void attach_toWhatIsNotThere_orNotKept_isRefused() throws Exception {
        assertEquals(Code.NOT_FOUND, refusal("nobody").code());
        var _ = run(ClientLostPolicy.DELETE);
        SandboxException reason = refusal("box");
        assertEquals(Code.PRECONDITION, reason.code());
        assertTrue(String.valueOf(reason.getMessage()).contains("nothing is kept of it"), reason.getMessage());
    }

    @Test
    void attach_toAProcessThatIsStarting_isRefused() throws Exception {
        world.onStart = machine -> machine.guest.silent = true;
        var _ = sandboxes.run(order(ClientLostPolicy.KEEP, false), first);
        while (world.started.isEmpty()) {
            Thread.onSpinWait();
        }
        guest().asked.await();
        assertTrue(String.valueOf(refusal("box").getMessage()).contains("it is still starting"));
    }

    @Test
    void attach_fromNowOn_getsWhatComes_andTheEnd() throws Exception {
        var _ = run(ClientLostPolicy.KEEP);
        guest().write("before", 0);
        assertEquals("before", output(first));

        Attachment attachment = attach(OptionalLong.empty(), false, second);
        assertEquals(
                Attached.newBuilder()
                        .setStdoutOffset(6)
                        .setStdin(second.attached().getStdin())
                        .build(),
                second.attached());
        guest().write("after", 6);
        guest().exit(4);

        assertEquals("after", output(second));
        assertEquals(4, second.termination().getExitCode());
        assertEquals(4, first.termination().getExitCode());
        attachment.clientLost();
    }

    @Test
    void attach_atAnOffset_getsWhatWasWrittenBehindIt_alsoWhenTheProcessHasEnded() throws Exception {
        var _ = run(ClientLostPolicy.KEEP);
        guest().write("before", 0);
        assertEquals("before", output(first));

        var _ = attach(OptionalLong.of(2), false, second);
        assertEquals("fore", output(second));
        guest().exit(4);
        assertEquals(4, second.termination().getExitCode());
        first.termination();
        awaitEnded();

        RecordingObserver late = new RecordingObserver();
        var _ = attach(OptionalLong.of(5), false, late);
        assertEquals("e", output(late));
        assertEquals(4, late.termination().getExitCode());
        assertTrue(String.valueOf(refusal("box").getMessage()).contains("it has ended"));
    }

    @Test
    void theLastThatCame_hasTheInput_andIsToldWhereItBegins() throws Exception {
        Run run = run(ClientLostPolicy.KEEP);
        write(run, "one");
        Attachment attachment = attach(OptionalLong.empty(), false, second);
        assertEquals(3, second.attached().getStdin().getTaken());
        first.awaitProgress("another client writes");
        assertTrue(first.inputClosed.await(10, TimeUnit.SECONDS));

        run.input().data(FakeWorld.bytes("dropped"), () -> {});
        run.input().end();
        write(attachment, "two");
        attachment.input().end();

        assertTrue(guest().stdinClosed.await(10, TimeUnit.SECONDS));
        assertEquals(List.of(FakeWorld.bytes("one"), FakeWorld.bytes("two")), guest().stdin);
    }

    @Test
    void oneThatJoinsWhenTheProcessIsOver_andItsSandboxNotYetGone_isToldTheEnd() throws Exception {
        world.onStart = machine -> machine.guest.ignoresShutdown = true;
        var _ = run(ClientLostPolicy.KEEP);
        guest().exit(4);
        assertEquals(4, first.termination().getExitCode());
        assertEquals(SandboxView.Phase.STOPPING, sandboxes.get("box").phase());

        var _ = attach(OptionalLong.of(0), false, second);
        assertEquals(4, second.termination().getExitCode());
        world.timer.awaitAlarmIn(Teardown.GRACE);
        world.timer.advance(Teardown.GRACE);
    }

    @Test
    void detached_hasNoInput_unlessItIsLeftOpen() throws Exception {
        RunOrder order = order(ClientLostPolicy.KEEP, false);
        var _ = sandboxes.run(detached(order, false), first);
        while (world.started.isEmpty()) {
            Thread.onSpinWait();
        }
        assertTrue(guest().stdinClosed.await(10, TimeUnit.SECONDS));
        sandboxes.delete("box");

        var _ = sandboxes.run(detached(order, true), second);
        RecordingObserver third = new RecordingObserver();
        second.awaitDetached();
        Attachment attachment = attach(OptionalLong.empty(), false, third);
        write(attachment, "one");
        FakeGuest guest = world.started.getLast().guest;
        assertEquals(List.of(FakeWorld.bytes("one")), guest.stdin);
        assertEquals(1, guest.stdinClosed.getCount());
    }

    private static RunOrder detached(RunOrder order, boolean stdinOpen) {
        return new RunOrder(
                order.sandbox(),
                order.process(),
                order.timeout(),
                order.client(),
                false,
                false,
                new RunOrder.Kept(ProcessLog.Limit.DEFAULT, true, false, stdinOpen));
    }

    @Test
    void oneThatOnlyReads_leavesTheInputWhereItIs() throws Exception {
        Run run = run(ClientLostPolicy.KEEP);
        Attachment attachment = attach(OptionalLong.empty(), true, second);
        second.attached();
        attachment.input().data(FakeWorld.bytes("dropped"), () -> {});
        write(run, "one");
        assertEquals(List.of(FakeWorld.bytes("one")), guest().stdin);
    }

    @Test
    void oneThatGoes_leavesTheProcessAsItIs_andTheNextWrites() throws Exception {
        Run run = run(ClientLostPolicy.KEEP);
        run.clientLost();
        Attachment attachment = attach(OptionalLong.empty(), false, second);
        second.attached();
        attachment.clientLost();

        RecordingObserver third = new RecordingObserver();
        Attachment next = attach(OptionalLong.empty(), false, third);
        third.attached();
        write(next, "one");
        assertEquals(List.of(FakeWorld.bytes("one")), guest().stdin);
        guest().exit(0);
        assertEquals(0, third.termination().getExitCode());
    }

    @Test
    void terminalThatItsClientHasNotSeen_isDrawnAnew() throws Exception {
        var _ = sandboxes.run(order(ClientLostPolicy.KEEP, true), first);
        first.awaitStarted();
        Attachment attachment = attach(OptionalLong.empty(), false, second);
        assertTrue(attachment.hasTerminal());
        attachment.input().resize(size(24));
        attachment.input().resize(size(24));

        while (!guest().signals.containsAll(List.of("size 23x80", "size 24x80"))) {
            Thread.onSpinWait();
        }
    }

    private static TerminalSize size(int rows) {
        return TerminalSize.newBuilder().setRows(rows).setColumns(80).build();
    }

    private static void write(ProcessControl to, String text) throws InterruptedException {
        CountDownLatch taken = new CountDownLatch(1);
        to.input().data(FakeWorld.bytes(text), taken::countDown);
        assertTrue(taken.await(10, TimeUnit.SECONDS));
    }

    private static String output(RecordingObserver observer) throws InterruptedException {
        return observer.next().getOutput().getData().toStringUtf8();
    }

    private SandboxException refusal(String name) {
        return assertThrows(
                SandboxException.class,
                () -> sandboxes
                        .processes()
                        .attach(name, "", OptionalLong.empty(), OptionalLong.empty(), false, second));
    }

    private Attachment attach(OptionalLong stdoutOffset, boolean outputOnly, RecordingObserver observer)
            throws Exception {
        return sandboxes.processes().attach("box", "", stdoutOffset, OptionalLong.empty(), outputOnly, observer);
    }

    private void awaitEnded() throws Exception {
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private Run run(ClientLostPolicy policy) throws Exception {
        Run run = sandboxes.run(order(policy, false), first);
        first.awaitStarted();
        return run;
    }

    private RunOrder order(ClientLostPolicy policy, boolean terminal) {
        ProcessSpec.Builder process = ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("true"));
        if (terminal) {
            process.setTerminal(Terminal.getDefaultInstance());
        }
        return new RunOrder(
                RunTest.spec(policy, world.root(), false, "box", Hypervisors.DEFAULT_URI),
                process.build(),
                Optional.empty(),
                FakeWorld.CLIENT,
                false,
                false);
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
