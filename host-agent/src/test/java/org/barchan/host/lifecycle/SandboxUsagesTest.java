package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.SandboxState;
import org.barchan.v1.SandboxStats;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What fake sandboxes take, while time passes as the test says. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SandboxUsagesTest {
    private static final Duration INTERVAL = Duration.ofSeconds(5);

    private final FakeWorld world;
    private final Sandboxes sandboxes;
    private final SandboxUsages usages;

    SandboxUsagesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        usages = sandboxes.stats();
    }

    private void start(String name) throws Exception {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(
                FakeWorld.order(
                        RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, name, Hypervisors.DEFAULT_URI)),
                observer);
        observer.awaitStarted();
    }

    private static Code code(org.junit.jupiter.api.function.Executable call) {
        return assertThrows(SandboxException.class, call).code();
    }

    @Test
    void read_ofNoSandbox_orOneThatHasEnded_fails() throws Exception {
        assertEquals(Code.NOT_FOUND, code(() -> usages.read("nobody")));
        assertEquals(Code.NOT_FOUND, code(() -> usages.processes("nobody")));
        start("box");
        assertEquals(
                Code.NOT_FOUND,
                code(() -> usages.watch(List.of("box", "nobody"), INTERVAL, _ -> {
                    throw new AssertionError("something was taken");
                })));
        sandboxes.delete("box");
        assertEquals(Code.NOT_FOUND, code(() -> usages.read("box")));
    }

    @Test
    void read_silentGuest_givesTheHostsHalf() throws Exception {
        start("box");
        world.fail("guest.usage", Code.TIMEOUT);
        SandboxStats stats = usages.read("box");
        assertFalse(stats.hasGuest());
        assertFalse(stats.getGuestProblem().isEmpty());
        assertEquals(1_500_000, stats.getHost().getCpuMicros());
        assertEquals(4096, stats.getHost().getResidentBytes());
        assertEquals("", stats.getHostProblem());
    }

    @Test
    void read_silentHypervisor_givesTheGuestsHalf() throws Exception {
        start("box");
        world.fail("machine.usage", Code.SILENT);
        SandboxStats stats = usages.read("box");
        assertFalse(stats.hasHost());
        assertFalse(stats.getHostProblem().isEmpty());
        assertEquals(7, stats.getGuest().getUptimeMicros());
        assertEquals("", stats.getGuestProblem());
    }

    @Test
    void read_paused_asksTheHostAlone() throws Exception {
        start("box");
        sandboxes.pause("box");
        SandboxStats stats = usages.read("box");
        assertEquals(SandboxState.SANDBOX_STATE_PAUSED, stats.getState());
        assertTrue(stats.hasHost());
        assertFalse(stats.hasGuest());
        assertEquals("it is paused", stats.getGuestProblem());
        assertEquals(Code.PRECONDITION, code(() -> usages.processes("box")));
    }

    @Test
    void processes_saysWhetherThereAreMore() throws Exception {
        start("box");
        GetProcessTableResponse table = usages.processes("box");
        assertEquals(1, table.getProcessesCount());
        assertTrue(table.getTruncated());
        assertEquals(7, table.getUptimeMicros());
        FakeGuest guest = world.started.getFirst().guest;
        guest.stats = guest.stats.toBuilder().setProcessCount(1).build();
        assertFalse(usages.processes("box").getTruncated());
    }

    @Test
    void watch_ofNamed_endsWithTheLastOfThem() throws Exception {
        start("one");
        start("two");
        try (Watching watching = new Watching(List.of("two", "one"))) {
            assertEquals(List.of("two", "one"), watching.next());
            world.timer.awaitAlarmIn(INTERVAL);
            assertNull(watching.now());
            sandboxes.delete("one");
            world.timer.advance(INTERVAL);
            assertEquals(List.of("two"), watching.next());
            // A guest that says nothing does not end it.
            world.fail("guest.usage", Code.LOST);
            world.timer.awaitAlarmIn(INTERVAL);
            world.timer.advance(INTERVAL);
            assertEquals(List.of("two"), watching.next());
            world.timer.awaitAlarmIn(INTERVAL);
            sandboxes.delete("two");
            world.timer.advance(INTERVAL);
            watching.over.get(10, TimeUnit.SECONDS);
            assertNull(watching.now());
        }
    }

    @Test
    void watch_ofTheSame_namedOften_asksItOnce() throws Exception {
        start("box");
        String id = usages.read("box").getId();
        try (Watching watching = new Watching(List.of("box", id, "box"))) {
            assertEquals(List.of("box"), watching.next());
        }
    }

    @Test
    void watch_ofAll_tellsOfThoseThatAreThereThen() throws Exception {
        try (Watching watching = new Watching(List.of())) {
            assertEquals(List.of(), watching.next());
            start("box");
            world.timer.awaitAlarmIn(INTERVAL);
            world.timer.advance(INTERVAL);
            assertEquals(List.of("box"), watching.next());
        }
    }

    /** A watch on a thread of its own, which ends with this. */
    private final class Watching implements AutoCloseable {
        private final BlockingQueue<List<String>> taken = new LinkedBlockingQueue<>();
        private final CompletableFuture<Void> over = new CompletableFuture<>();
        private final Thread thread;

        Watching(List<String> names) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    usages.watch(
                            names,
                            INTERVAL,
                            all -> taken.add(
                                    all.stream().map(SandboxStats::getName).toList()));
                    over.complete(null);
                } catch (SandboxException | InterruptedException | IOException | RuntimeException e) {
                    over.completeExceptionally(e);
                }
            });
        }

        @Nullable List<String> next() throws InterruptedException {
            return taken.poll(10, TimeUnit.SECONDS);
        }

        @Nullable List<String> now() {
            return taken.poll();
        }

        @Override
        public void close() {
            boolean ended = over.isDone();
            thread.interrupt();
            if (!ended) {
                CompletionException e = assertThrows(CompletionException.class, over::join);
                assertInstanceOf(InterruptedException.class, e.getCause());
            }
        }
    }
}
