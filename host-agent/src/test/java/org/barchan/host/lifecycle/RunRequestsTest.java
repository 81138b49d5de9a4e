package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Orders that come a second time. */
@Timeout(60)
class RunRequestsTest {
    private final FakeWorld world;
    private final RecordingObserver first = new RecordingObserver();
    private final RecordingObserver second = new RecordingObserver();
    private Sandboxes sandboxes;

    RunRequestsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            sandboxes.delete(view.id().value());
        }
    }

    @Test
    void sameOrder_joins_fromTheFirstByteOn() throws Exception {
        run("1", first);
        first.awaitStarted();
        guest().write("one", 0);
        run("1", second);
        assertEquals(0, second.attached().getStdoutOffset());
        guest().exit(4);
        assertEquals(4, first.termination().getExitCode());
        assertEquals(4, second.termination().getExitCode());
        assertEquals("one", second.output());
        assertEquals(1, world.started.size());

        RecordingObserver afterwards = new RecordingObserver();
        run("1", afterwards);
        assertEquals(4, afterwards.termination().getExitCode());
        assertEquals(first.views.getLast().id(), afterwards.views.getLast().id());
        RecordingObserver detached = new RecordingObserver();
        run("1", true, detached);
        detached.awaitDetached();
        assertEquals(1, world.started.size());
    }

    @Test
    void anotherOrder_isRefused() throws Exception {
        run("1", first);
        first.awaitStarted();
        assertEquals(
                Code.ALREADY_EXISTS,
                assertThrows(SandboxException.class, () -> run("2", second)).code());
    }

    @Test
    void manyAtOnce_makeOne() throws Exception {
        List<RecordingObserver> clients = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> runs = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                RecordingObserver client = new RecordingObserver();
                clients.add(client);
                Callable<Void> ordering = () -> {
                    run("1", true, client);
                    client.awaitDetached();
                    return null;
                };
                runs.add(threads.submit(ordering));
            }
            for (Future<Void> run : runs) {
                run.get();
            }
        }
        assertEquals(1, world.started.size());
        assertEquals(
                1,
                clients.stream()
                        .map(client -> client.views.getLast().id())
                        .distinct()
                        .count());
    }

    @Test
    void orderThatFailed_isBegunAgain() throws Exception {
        world.fail("machine.start", Code.PRECONDITION);
        run("1", first);
        assertEquals(Code.PRECONDITION, first.failure().code());
        world.mend("machine.start");
        run("1", second);
        second.awaitStarted();
    }

    @Test
    void nextAgent_joins_too() throws Exception {
        run("1", first);
        first.awaitStarted();
        guest().write("one", 0);
        while (!first.output().equals("one")) {
            Thread.onSpinWait();
        }
        sandboxes.shutdown(Duration.ofSeconds(10));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        run("1", second);
        guest().write("two", 3);
        guest().exit(0);
        assertEquals(0, second.termination().getExitCode());
        assertEquals("onetwo", second.output());
        assertEquals(1, world.started.size());
    }

    @Test
    void nextAgent_beginsWhatNeverBegan() throws Exception {
        SandboxId id = left("1");
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        run("1", first);
        first.awaitStarted();
        assertTrue(sandboxes.listAll().stream().noneMatch(view -> view.id().equals(id)));
    }

    @Test
    void whatHasEnded_isNotBegunAgain_thoughItsStartWasNotNoted() throws Exception {
        assertTrue(leave("1").log().end(Termination.newBuilder().setExitCode(7).build()));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        run("1", first);
        assertEquals(7, first.termination().getExitCode());
        assertEquals(0, world.started.size());
    }

    @Test
    void nextAgent_thatCannotTell_beginsNothing() throws Exception {
        SandboxId id = left("1");
        var _ = new RuntimeDirectories(world.directory.resolve("run/s"))
                .create(id, world.emulatorUser(FakeWorld.CLIENT), "qemu:///system");
        world.fail("driver.open qemu:///system", Code.PRECONDITION);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(
                Code.PRECONDITION,
                assertThrows(SandboxException.class, () -> run("1", first)).code());
        assertEquals(0, world.started.size());
    }

    /** Makes what an agent leaves that was killed before it had started the process. */
    private SandboxId left(String digest) throws SandboxException {
        return leave(digest).view().id();
    }

    private SandboxRecord leave(String digest) throws SandboxException {
        SandboxRecords records = new SandboxRecords(
                world.directory.resolve("state/sandboxes"), world.directory.resolve("run"), 10, Events.NONE);
        SandboxView view = new SandboxView(
                SandboxId.random(),
                new SandboxName("box"),
                SandboxView.Phase.STARTING,
                Optional.of(Accelerator.TCG),
                "6.1",
                Instant.EPOCH,
                "",
                0,
                ClientLostPolicy.KEEP,
                SandboxProcess.getDefaultInstance(),
                Optional.empty());
        return records.create(view, kept(digest, false));
    }

    private static RunOrder.Kept kept(String digest, boolean detach) {
        return new RunOrder.Kept(
                ProcessLog.Limit.DEFAULT,
                detach,
                false,
                false,
                Optional.of(new RunOrder.Request("request", ByteString.copyFromUtf8(digest))));
    }

    private void run(String digest, RecordingObserver client) throws Exception {
        run(digest, false, client);
    }

    private void run(String digest, boolean detach, RecordingObserver client) throws Exception {
        RunOrder order = FakeWorld.order(
                RunTest.spec(ClientLostPolicy.KEEP, world.root(), false, "box", Hypervisors.DEFAULT_URI));
        var _ = sandboxes.runOnce(
                new RunOrder(
                        order.sandbox(),
                        order.process(),
                        order.timeout(),
                        order.client(),
                        false,
                        false,
                        kept(digest, detach),
                        List.of(),
                        Labels.NONE,
                        Lifetime.UNLIMITED),
                client);
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
