package org.barchan.host.lifecycle;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Event;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxSpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Sandboxes that are kept by what was ordered alone, until they are started. */
@Timeout(60)
class CreatedSandboxesTest {
    private final FakeWorld world;
    private final RecordingObserver client = new RecordingObserver();
    private Sandboxes sandboxes;

    CreatedSandboxesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        nextAgent();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            sandboxes.delete(view.id().value());
        }
    }

    @Test
    void start_ofWhatIsNotThere_orWasStarted_orHasEnded_isRefused() throws Exception {
        assertEquals(Code.NOT_FOUND, refusal(() -> start("nobody", client)));
        run("box", client);
        client.awaitStarted();
        assertEquals(Code.PRECONDITION, refusal(() -> start("box", client)));
        world.started.getFirst().guest.exit(0);
        awaitNoneLives();
        assertEquals(Code.PRECONDITION, refusal(() -> start("box", client)));

        create("once");
        RecordingObserver first = new RecordingObserver();
        start("once", first);
        assertEquals(Code.PRECONDITION, refusal(() -> start("once", client)));
        first.awaitStarted();
        assertEquals(Code.PRECONDITION, refusal(() -> start("once", client)));
        world.started.getLast().guest.exit(0);
        awaitNoneLives();
        assertEquals(Code.PRECONDITION, refusal(() -> start("once", client)));
        assertEquals(2, world.started.size());
    }

    @Test
    void name_isItsOwn_fromTheBeginning() throws Exception {
        run("live", client);
        client.awaitStarted();
        assertEquals(Code.ALREADY_EXISTS, refusal(() -> create("live")));
        SandboxId id = create("box");
        assertEquals(Code.ALREADY_EXISTS, refusal(() -> create("box")));
        RecordingObserver second = new RecordingObserver();
        run("box", second);
        assertEquals(Code.ALREADY_EXISTS, second.failure().code());
        assertEquals(Code.ALREADY_EXISTS, refusal(() -> rename("live", "box")));
        assertEquals(Code.ALREADY_EXISTS, refusal(() -> rename("box", "live")));
        assertEquals(id, rename("box", "other").id());
        assertEquals(SandboxView.Phase.CREATED, rename("other", "other").phase());
        RecordingObserver free = new RecordingObserver();
        run("box", free);
        free.awaitStarted();

        nextAgent();
        RecordingObserver third = new RecordingObserver();
        run("other", third);
        assertEquals(Code.ALREADY_EXISTS, third.failure().code());
        start("other", new RecordingObserver());
        while (sandboxes.get("other").phase() != SandboxView.Phase.RUNNING) {
            Thread.onSpinWait();
        }
        assertEquals(id, sandboxes.get("other").id());
    }

    @Test
    void nextAgent_startsIt_underItsIdAndWithItsTime() throws Exception {
        SandboxId id = create("box");
        SandboxView made = sandboxes.get("box");
        nextAgent();
        assertEquals(made, sandboxes.get("box"));
        assertEquals(SandboxView.Phase.CREATED, made.phase());
        assertEquals(List.of(), sandboxes.list());
        assertEquals(List.of(made), sandboxes.listAll());
        assertEquals(
                List.of(made),
                sandboxes.list(new SandboxFilter(false, List.of(), List.of(), Set.of(SandboxView.Phase.CREATED))));
        assertEquals(1, sandboxes.countByPhase().get(SandboxView.Phase.CREATED));

        start("box", client);
        client.awaitStarted();
        world.started.getFirst().guest.write("one", 0);
        world.started.getFirst().guest.exit(3);
        assertEquals(3, client.termination().getExitCode());
        assertEquals("one", client.output());
        assertEquals(List.of("started", "one", "exit 3"), RunTest.log(sandboxes, "box"));
        SandboxView ended = sandboxes.get(id.value());
        assertEquals(made.createTime(), ended.createTime());
        awaitNoneLives();
        nextAgent();
        assertEquals(SandboxView.Phase.ENDED, sandboxes.get("box").phase());
    }

    @Test
    void whatWasOrdered_isReadByItsUserAlone_andGoneWhenItRuns() throws Exception {
        SandboxId id = create("box");
        Path file = record(id).resolve("order");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertTrue(Files.readString(file, ISO_8859_1).contains("s3cret"));
        start("box", client);
        client.awaitStarted();
        while (sandboxes.get("box").phase() != SandboxView.Phase.RUNNING
                || Files.exists(record(id).resolve("order.taken"))) {
            Thread.onSpinWait();
        }
        try (Stream<Path> left = Files.walk(record(id))) {
            for (Path path : left.filter(Files::isRegularFile).toList()) {
                assertFalse(Files.readString(path, ISO_8859_1).contains("s3cret"));
            }
        }
        assertEquals(new HostUser(7, 8), owner.orElseThrow());
    }

    @Test
    void startThatFails_leavesItAsItWas() throws Exception {
        SandboxId id = create("box");
        SandboxView made = sandboxes.get("box");
        world.fail("machine.start", Code.PRECONDITION);
        start("box", client);
        assertEquals(Code.PRECONDITION, client.failure().code());
        assertEquals(made, sandboxes.get("box"));
        nextAgent();
        assertEquals(made, sandboxes.get("box"));
        world.mend("machine.start");
        RecordingObserver second = new RecordingObserver();
        start(id.value(), second);
        second.awaitStarted();
        world.started.getLast().guest.exit(0);
        assertEquals(0, second.termination().getExitCode());
        assertEquals(List.of("CREATED", "STARTING", "STARTING", "RUNNING", "ENDED"), told());
        awaitNoneLives();
        sandboxes.delete("box");
        assertEquals("DELETED", told().getLast());
    }

    @Test
    void clientThatGoes_orStopsIt_whileItStarts_leavesItAsItWas() throws Exception {
        create("box");
        world.onStart = machine -> machine.guest.silent = true;
        Run run = start("box", client);
        assertTrue(awaitMachines(1));
        run.clientLost();
        assertEquals(SandboxView.Phase.CREATED, awaitNoneLivesAndGet("box").phase());
        start("box", new RecordingObserver());
        assertTrue(awaitMachines(2));
        assertEquals(SandboxView.Phase.STARTING, sandboxes.get("box").phase());
        assertEquals(Code.PRECONDITION, refusal(() -> rename("box", "other")));
        var _ = sandboxes.stop("box", 15, Duration.ofSeconds(10));
        assertEquals(SandboxView.Phase.CREATED, awaitNoneLivesAndGet("box").phase());
        assertTrue(sandboxes.stop("box", 15, Duration.ofSeconds(10)));
        start("box", new RecordingObserver());
        assertTrue(awaitMachines(3));
        sandboxes.delete("box");
        assertEquals(List.of(), sandboxes.listAll());
    }

    @Test
    void agentThatDied_whileItStarted_leavesItAsItWas() throws Exception {
        SandboxId id = create("box");
        SandboxView made = sandboxes.get("box");
        // As that agent had left it.
        Files.move(record(id).resolve("order"), record(id).resolve("order.taken"));
        nextAgent();
        assertEquals(made, sandboxes.get("box"));
        assertTrue(Files.exists(record(id).resolve("order")));
        start("box", client);
        client.awaitStarted();
        assertEquals(List.of("CREATED", "STARTING", "RUNNING"), told());
    }

    @Test
    void agentThatDied_beforeItCouldNoteThatItRuns_leavesNoOrder() throws Exception {
        SandboxId id = create("box");
        start("box", client);
        client.awaitStarted();
        while (Files.exists(record(id).resolve("order.taken"))) {
            Thread.onSpinWait();
        }
        sandboxes.shutdown(Duration.ofSeconds(10));
        Files.writeString(record(id).resolve("order.taken"), "");
        nextAgent();
        assertFalse(Files.exists(record(id).resolve("order.taken")));
        assertEquals(SandboxView.Phase.RUNNING, sandboxes.get("box").phase());
    }

    @Test
    void untilItIsStarted_nothingCanBeDoneInIt() throws Exception {
        create("box");
        assertTrue(sandboxes.stop("box", 15, Duration.ofSeconds(1)));
        assertEquals(List.of(), sandboxes.processes().list("box"));
        assertEquals(Code.PRECONDITION, refusal(() -> sandboxes.pause("box")));
        assertEquals(Code.PRECONDITION, refusal(() -> sandboxes.processes().await("box", "")));
        assertEquals(Code.PRECONDITION, refusal(() -> sandboxes.processes().signal("box", "", 15)));
        assertEquals(Code.PRECONDITION, refusal(() -> {
            var _ = sandboxes.processes().attach("box", "", OptionalLong.empty(), OptionalLong.empty(), false, client);
        }));
        sandboxes.delete("box");
        assertEquals(Code.NOT_FOUND, refusal(() -> sandboxes.get("box")));
        assertEquals(List.of("CREATED", "DELETED"), told());
        try (Stream<Path> left = Files.list(world.directory.resolve("state/sandboxes"))) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void sameRequest_makesOne_anotherIsRefused() throws Exception {
        SandboxView made = create("box", "1");
        assertEquals(made, create("box", "1"));
        assertEquals(Code.ALREADY_EXISTS, refusal(() -> create("box", "2")));
        assertEquals(Code.PRECONDITION, refusal(() -> {
            var _ = sandboxes.runOnce(order("box", true, Optional.of("1")), client);
        }));
        assertEquals(made, sandboxes.get("box"));
    }

    private void nextAgent() {
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    private Path record(SandboxId id) {
        return world.directory.resolve("state/sandboxes").resolve(id.value());
    }

    private boolean awaitMachines(int count) throws InterruptedException {
        while (world.started.size() < count) {
            Thread.onSpinWait();
        }
        return world.started.get(count - 1).guest.asked.await(10, TimeUnit.SECONDS);
    }

    private void awaitNoneLives() throws Exception {
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private SandboxView awaitNoneLivesAndGet(String name) throws Exception {
        awaitNoneLives();
        while (true) {
            // What is kept of it is told a moment later.
            SandboxView view = sandboxes.get(name);
            Optional<Path> order =
                    Optional.of(record(view.id()).resolve("order")).filter(Files::exists);
            if (order.isPresent()) {
                return view;
            }
            Thread.onSpinWait();
        }
    }

    private List<String> told() throws Exception {
        List<String> told = new ArrayList<>();
        sandboxes
                .events()
                .watch(
                        new EventOrder(new EventOrder.Anywhere(), false, Optional.empty(), Set.of(), Set.of()),
                        new Events.Taker() {
                            @Override
                            public void position(EventCursor cursor, boolean incomplete) {}

                            @Override
                            public void event(Event event, EventCursor behind) {
                                told.add(event.getType().name().replaceFirst("EVENT_TYPE_(SANDBOX_)?", ""));
                            }
                        });
        return told;
    }

    private static Code refusal(Executable action) {
        return assertThrows(SandboxException.class, action).code();
    }

    private SandboxView rename(String idOrName, String name) throws Exception {
        return sandboxes.rename(idOrName, new SandboxName(name));
    }

    private void run(String name, RecordingObserver observer) throws Exception {
        var _ = sandboxes.run(order(name, false, Optional.empty()), observer);
    }

    private SandboxId create(String name) throws Exception {
        return sandboxes
                .created()
                .create(order(name, true, Optional.empty()), kept(name))
                .id();
    }

    private SandboxView create(String name, String request) throws Exception {
        return sandboxes.created().create(order(name, true, Optional.of(request)), kept(name));
    }

    private static RunStart kept(String name) {
        return RunStart.newBuilder()
                .setSandbox(SandboxSpec.newBuilder().setName(name))
                .setProcess(ProcessSpec.newBuilder()
                        .addArgv(FakeWorld.bytes("true"))
                        .addEnvironment(EnvironmentVariable.newBuilder()
                                .setName(FakeWorld.bytes("TOKEN"))
                                .setValue(FakeWorld.bytes("s3cret"))))
                .build();
    }

    private volatile Optional<HostUser> owner = Optional.empty();

    private Run start(String name, RecordingObserver observer) throws SandboxException, InterruptedException {
        return sandboxes
                .created()
                .start(
                        name,
                        false,
                        (start, user) -> {
                            owner = Optional.of(user);
                            return order(start.getSandbox().getName(), start.getDetach(), Optional.empty());
                        },
                        observer);
    }

    /** As it was ordered by another than whoever starts it. */
    private RunOrder order(String name, boolean detach, Optional<String> request) {
        RunOrder plain = FakeWorld.order(
                RunTest.spec(ClientLostPolicy.KEEP, world.root(), false, name, Hypervisors.DEFAULT_URI));
        RunOrder.Kept kept = new RunOrder.Kept(ProcessLog.Limit.DEFAULT, detach, false, false);
        return new RunOrder(
                plain.sandbox(),
                plain.process(),
                Optional.empty(),
                new HostUser(7, 8),
                false,
                false,
                // One id, the digest is what was asked for.
                request.map(digest -> kept.requested(new RunOrder.Request("id", FakeWorld.bytes(digest))))
                        .orElse(kept));
    }
}
