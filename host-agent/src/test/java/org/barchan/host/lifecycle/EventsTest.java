package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is told of sandboxes, by this agent and the next one. */
@Timeout(60)
final class EventsTest {
    private static final ProcessSpec PROCESS =
            ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("job")).build();

    private final FakeWorld world;
    private Sandboxes sandboxes;

    EventsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    private static EventOrder order(EventOrder.Start start, boolean follow) {
        return new EventOrder(start, follow, Optional.empty(), Set.of(), Set.of());
    }

    private List<String> all() throws Exception {
        return told(order(new EventOrder.Anywhere(), false));
    }

    private List<String> told(EventOrder order) throws Exception {
        List<String> told = new ArrayList<>();
        sandboxes.events().watch(order, new Taker() {
            @Override
            public void event(Event event, EventCursor behind) {
                told.add(text(event));
            }
        });
        return told;
    }

    private interface Taker extends Events.Taker {
        @Override
        default void position(EventCursor cursor, boolean incomplete) {}
    }

    static String text(Event event) {
        String type = event.getType().name().substring("EVENT_TYPE_".length());
        return event.getSandboxName()
                + (event.getProcessId().isEmpty() ? " " : "/" + event.getProcessId() + " ")
                + type
                + (event.hasTermination() ? " " + Endings.result(event.getTermination()) : "")
                + (event.getReason().isEmpty() ? "" : " because")
                + (event.getOldName().isEmpty() ? "" : " from " + event.getOldName());
    }

    private RecordingObserver run(ClientLostPolicy policy, String name) throws SandboxException {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(
                FakeWorld.order(RunTest.spec(policy, world.root(), false, name, Hypervisors.DEFAULT_URI)), observer);
        return observer;
    }

    private FakeGuest guest() {
        return world.started.getLast().guest;
    }

    @Test
    void runWhoseNameIsTaken_isNoEvent_andOneThatFails_hasItsReason() throws Exception {
        run(ClientLostPolicy.DELETE, "box").awaitStarted();
        var _ = run(ClientLostPolicy.DELETE, "box").failure();
        world.fail("machine.start", SandboxException.Code.PRECONDITION);
        var _ = run(ClientLostPolicy.DELETE, "bad").failure();

        assertEquals(
                List.of(
                        "box SANDBOX_CREATED",
                        "box SANDBOX_RUNNING",
                        "bad SANDBOX_CREATED",
                        "bad SANDBOX_ENDED because",
                        "bad SANDBOX_DELETED"),
                all());
    }

    @Test
    void run_isToldBeforeItsClient() throws Exception {
        RecordingObserver client = run(ClientLostPolicy.DELETE, "box");
        client.awaitStarted();
        guest().exit(3);
        assertEquals(3, client.termination().getExitCode());

        assertEquals(
                List.of("box SANDBOX_CREATED", "box SANDBOX_RUNNING", "box SANDBOX_ENDED exit code 3"),
                all().subList(0, 3));
    }

    @Test
    void pauseExecAndDelete_ofAKeptOne_areTold() throws Exception {
        run(ClientLostPolicy.KEEP, "box").awaitStarted();
        sandboxes.pause("box");
        sandboxes.pause("box");
        sandboxes.resume("box");
        RecordingObserver client = new RecordingObserver();
        var _ = sandboxes
                .processes()
                .execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), client);
        client.awaitStarted();
        guest().exitOthers(4);
        assertEquals(4, client.termination().getExitCode());
        sandboxes.delete("box");

        String process = "box/" + client.processId();
        assertEquals(
                List.of(
                        "box SANDBOX_CREATED",
                        "box SANDBOX_RUNNING",
                        "box SANDBOX_PAUSED",
                        "box SANDBOX_RESUMED",
                        process + " PROCESS_STARTED",
                        process + " PROCESS_ENDED exit code 4",
                        "box SANDBOX_ENDED lost: the sandbox was deleted while the process ran",
                        "box SANDBOX_DELETED"),
                all());
    }

    @Test
    void nextAgent_goesOnWhereTheWatcherWas_andTellsWhatItAdopts() throws Exception {
        run(ClientLostPolicy.KEEP, "box").awaitStarted();
        RecordingObserver client = new RecordingObserver();
        var _ = sandboxes
                .processes()
                .execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), client);
        client.awaitStarted();
        BlockingQueue<EventCursor> cursors = new LinkedBlockingQueue<>();
        sandboxes.events().watch(order(new EventOrder.Anywhere(), false), new Taker() {
            @Override
            public void event(Event event, EventCursor behind) {
                cursors.add(behind);
            }
        });
        sandboxes.shutdown(Duration.ofSeconds(10));

        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        guest().exit(5);
        assertEquals(5, sandboxes.processes().await("box", "").getExitCode());

        List<String> told =
                told(order(new EventOrder.Behind(List.copyOf(cursors).get(1)), false));
        String process = "box/" + client.processId();
        assertEquals(process + " PROCESS_STARTED", told.getFirst());
        // Whichever agent comes to it.
        List<String> ends = told.stream()
                .filter(event -> event.startsWith(process + " PROCESS_ENDED lost"))
                .toList();
        assertEquals(1, ends.size(), told::toString);
        assertEquals(
                List.of(process + " PROCESS_STARTED", "box SANDBOX_ADOPTED", "box SANDBOX_ENDED exit code 5"),
                told.stream().filter(event -> !ends.contains(event)).limit(3).toList());
    }

    @Test
    void nextAgent_saysOfWhatIsGone_thatItsEndWasNotSeen_once() throws Exception {
        sandboxes.shutdown(Duration.ofSeconds(10));
        // An agent that is killed: nobody closes it.
        Events killed =
                Events.open(world.directory.resolve("state/events"), world.directory.resolve("run"), world.bootId());
        SandboxId id = SandboxId.random();
        SandboxName name = new SandboxName("box");
        killed.running(id, name);
        killed.processStarted(id, name, "job");
        SandboxId other = SandboxId.random();
        killed.running(other, new SandboxName("other"));
        killed.ended(
                other,
                new SandboxName("other"),
                Termination.newBuilder().setExitCode(1).build());
        killed.deleted(other, new SandboxName("other"));

        for (int agent = 0; agent < 2; agent++) {
            sandboxes = world.sandboxes();
            sandboxes.reconcile();
            assertEquals(
                    List.of(
                            "box SANDBOX_RUNNING",
                            "box/job PROCESS_STARTED",
                            "other SANDBOX_RUNNING",
                            "other SANDBOX_ENDED exit code 1",
                            "other SANDBOX_DELETED",
                            "box/job PROCESS_ENDED lost: it was gone when the agent came back",
                            "box SANDBOX_ENDED lost: it was gone when the agent came back",
                            "box SANDBOX_DELETED"),
                    all());
            sandboxes.shutdown(Duration.ofSeconds(10));
        }
    }

    @Test
    void rename_isTold_alsoOfWhatHasEnded_toWhoKnowsEitherName() throws Exception {
        run(ClientLostPolicy.KEEP, "one").awaitStarted();
        var _ = sandboxes.rename("one", new SandboxName("two"));
        var _ = sandboxes.rename("two", new SandboxName("two"));
        guest().exit(3);
        assertEquals(3, sandboxes.processes().await("two", "").getExitCode());
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
        var _ = sandboxes.rename("two", new SandboxName("three"));
        var _ = sandboxes.rename("three", new SandboxName("three"));
        sandboxes.delete("three");

        String renamed = "two SANDBOX_RENAMED from one";
        String ended = "two SANDBOX_ENDED exit code 3";
        String again = "three SANDBOX_RENAMED from two";
        assertEquals(
                List.of("one SANDBOX_CREATED", "one SANDBOX_RUNNING", renamed, ended, again, "three SANDBOX_DELETED"),
                all());
        EventOrder.Start anywhere = new EventOrder.Anywhere();
        assertEquals(
                List.of("one SANDBOX_CREATED", "one SANDBOX_RUNNING", renamed),
                told(new EventOrder(anywhere, false, Optional.empty(), Set.of("one"), Set.of())));
        assertEquals(
                List.of(renamed, ended, again),
                told(new EventOrder(anywhere, false, Optional.empty(), Set.of("two"), Set.of())));
        assertEquals(List.of(), told(new EventOrder(anywhere, false, Optional.empty(), Set.of(""), Set.of())));
    }

    @Test
    void filters_leaveOutTheRest() throws Exception {
        run(ClientLostPolicy.DELETE, "a").awaitStarted();
        run(ClientLostPolicy.DELETE, "b").awaitStarted();
        String id = sandboxes.get("a").id().value();
        Instant now = Instant.now();

        EventOrder.Start anywhere = new EventOrder.Anywhere();
        assertEquals(
                List.of("a SANDBOX_CREATED", "a SANDBOX_RUNNING"),
                told(new EventOrder(anywhere, false, Optional.empty(), Set.of(id), Set.of())));
        assertEquals(
                List.of("b SANDBOX_RUNNING"),
                told(new EventOrder(
                        anywhere, false, Optional.empty(), Set.of("b"), Set.of(EventType.EVENT_TYPE_SANDBOX_RUNNING))));
        assertEquals(
                List.of(),
                told(new EventOrder(anywhere, false, Optional.of(now.minusSeconds(3600)), Set.of(), Set.of())));
        assertEquals(List.of(), told(order(new EventOrder.Since(now.plusSeconds(3600)), false)));
        assertEquals(
                4,
                told(order(new EventOrder.Since(now.minusSeconds(3600)), false)).size());
        // Following ends at once when its time has passed.
        assertEquals(
                4,
                told(new EventOrder(
                                new EventOrder.Since(now.minusSeconds(3600)),
                                true,
                                Optional.of(Instant.now()),
                                Set.of(),
                                Set.of()))
                        .size());
    }

    @Test
    void follower_getsWhatComes_whileAnotherDoesNotRead() throws Exception {
        BlockingQueue<String> followed = new LinkedBlockingQueue<>();
        BlockingQueue<String> stuck = new LinkedBlockingQueue<>(1);
        Thread reader = watch(followed);
        Thread stuckReader = watch(stuck);
        assertEquals("begun", followed.poll(10, TimeUnit.SECONDS));
        run(ClientLostPolicy.DELETE, "box").awaitStarted();

        assertEquals("box SANDBOX_CREATED", followed.poll(10, TimeUnit.SECONDS));
        assertEquals("box SANDBOX_RUNNING", followed.poll(10, TimeUnit.SECONDS));
        assertEquals("begun", stuck.poll(10, TimeUnit.SECONDS));
        stuckReader.interrupt();
        sandboxes.shutdown(Duration.ofSeconds(10));
        reader.join();
        assertTrue(List.copyOf(followed).contains("UNAVAILABLE"), followed::toString);
    }

    private Thread watch(BlockingQueue<String> taken) {
        return Thread.ofVirtual().start(() -> {
            try {
                sandboxes.events().watch(order(new EventOrder.Anywhere(), true), new Events.Taker() {
                    @Override
                    public void position(EventCursor cursor, boolean incomplete) throws InterruptedException {
                        taken.put("begun");
                    }

                    @Override
                    public void event(Event event, EventCursor behind) throws InterruptedException {
                        taken.put(text(event));
                    }
                });
            } catch (SandboxException e) {
                taken.add(e.code().name());
            } catch (InterruptedException | IOException e) {
                // It has seen enough.
            }
        });
    }
}
