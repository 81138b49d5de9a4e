package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SandboxProcess;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes beside a sandbox's own that outlive their clients, and the agent. */
class KeptExecutionTest {
    private static final ProcessSpec PROCESS =
            ProcessSpec.newBuilder().addArgv(FakeWorld.bytes("job")).build();

    private final FakeWorld world;
    private final RecordingObserver own = new RecordingObserver();
    private final RecordingObserver client = new RecordingObserver();
    private Sandboxes sandboxes;

    KeptExecutionTest(@TempDir Path directory) throws IOException {
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
    void execute_whereNothingIsKept_isRefused() throws Exception {
        start(ClientLostPolicy.DELETE);
        SandboxException e = refused(() -> execute("job", "1", client));
        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("nothing is kept of it"), e::toString);
    }

    @Test
    void whatIsNotKept_isNotFound() throws Exception {
        start(ClientLostPolicy.KEEP);
        assertEquals(
                Code.NOT_FOUND,
                refused(() -> sandboxes.processes().await("box", "nobody")).code());
        assertEquals(Code.NOT_FOUND, refused(() -> log("nobody")).code());
        assertEquals(
                Code.NOT_FOUND,
                refused(() -> attach("nobody", OptionalLong.empty(), client)).code());
    }

    @Test
    void execute_whoseClientGoes_runsOn_andIsKept() throws Exception {
        start(ClientLostPolicy.KEEP);
        ProcessControl control = execute("job", "1", client);
        client.awaitStarted();
        control.clientLost();
        guest().writeOthers("one", 0);
        guest().exitOthers(4);

        assertEquals(4, sandboxes.processes().await("box", "job").getExitCode());
        assertEquals(List.of("started", "one", "exit 4"), log("job"));
        assertEquals(List.of(), guest().signals);
        assertEquals("job", ProcessRecord.idOf(guest().forgotten.take()));
        assertEquals(
                Code.PRECONDITION,
                refused(() -> sandboxes.processes().signal("box", "job", 15)).code());
        assertEquals(
                Code.PRECONDITION,
                refused(() -> attach("job", OptionalLong.empty(), client)).code());

        RecordingObserver later = new RecordingObserver();
        var _ = attach("job", OptionalLong.of(1), later);
        assertEquals(4, later.termination().getExitCode());
        assertEquals("ne", later.output());
    }

    @Test
    void execute_onceMore_joinsIt_butNotAnother() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("job", "1", client);
        client.awaitStarted();
        guest().writeOthers("one", 0);

        assertEquals(
                Code.ALREADY_EXISTS,
                refused(() -> execute("job", "2", new RecordingObserver())).code());
        RecordingObserver again = new RecordingObserver();
        var _ = execute("job", "1", again);
        assertEquals(0, again.attached().getStdoutOffset());
        guest().exitOthers(0);

        assertEquals(0, client.termination().getExitCode());
        assertEquals(0, again.termination().getExitCode());
        assertEquals("one", again.output());
        RecordingObserver afterwards = new RecordingObserver();
        var _ = execute("job", "1", afterwards);
        assertEquals(0, afterwards.termination().getExitCode());
        assertEquals("one", afterwards.output());
    }

    @Test
    void list_hasAll_theOldestFirst_andEnds() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("a-job", "1", client);
        client.awaitStarted();
        guest().exitOthers(4);
        var _ = sandboxes.processes().await("box", "a-job");
        RecordingObserver other = new RecordingObserver();
        var _ = sandboxes.processes().execute("box", new ExecOrder(PROCESS, Optional.empty(), Optional.empty()), other);
        other.awaitStarted();

        List<SandboxProcess> all = sandboxes.processes().list("box");
        assertEquals(
                List.of("main", "a-job", other.processId()),
                all.stream().map(SandboxProcess::getProcessId).toList());
        assertEquals(
                List.of(false, true, false),
                all.stream().map(SandboxProcess::hasTermination).toList());
        assertEquals("job", all.get(1).getArgv(0).toStringUtf8());
    }

    @Test
    void nextAgent_goesOnWithIt_andHangsUpTheOthers() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("job", "1", client);
        client.awaitStarted();
        guest().writeOthers("one", 0);
        awaitLog("one");
        agentEnds();
        assertEquals(Code.UNAVAILABLE, client.failure().code());
        guest().addOther("somebody");

        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(List.of("1 TERMINATION_CAUSE_UNSPECIFIED"), guest().signals);
        assertEquals("somebody", guest().forgotten.take());
        RecordingObserver again = new RecordingObserver();
        var _ = execute("job", "1", again);
        guest().writeOthers("two", 3);
        guest().exitOthers(5);

        assertEquals(5, sandboxes.processes().await("box", "job").getExitCode());
        assertEquals(5, again.termination().getExitCode());
        assertEquals("onetwo", again.output());
        assertEquals(List.of("started", "one", "two", "exit 5"), log("job"));
    }

    @Test
    void nextAgent_thatDoesNotFindIt_saysSo() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("job", "1", client);
        client.awaitStarted();
        agentEnds();
        guest().forgetOthers();

        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertTrue(sandboxes.processes().await("box", "job").hasLost());
    }

    @Test
    void nextAgent_startsWhatNeverBegan_whenItIsOrderedAgain() throws Exception {
        start(ClientLostPolicy.KEEP);
        SandboxRecords records = new SandboxRecords(
                world.directory.resolve("state/sandboxes"), world.directory.resolve("run"), 10, Events.NONE);
        SandboxId id = sandboxes.get("box").id();
        agentEnds();
        records.load();
        var _ = records.addProcess(
                records.find(id).orElseThrow(),
                ProcessRecord.describe(
                        RunOrder.summary("job", PROCESS, Instant.now()),
                        ProcessLog.Limit.DEFAULT,
                        ByteString.copyFromUtf8("1"),
                        false));

        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        var _ = execute("job", "1", client);
        client.awaitStarted();
        guest().exitOthers(0);
        assertEquals(0, client.termination().getExitCode());
    }

    @Test
    void whatCannotBeRead_losesNothingElse() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("job", "1", client);
        client.awaitStarted();
        Path processes = world.directory
                .resolve("state/sandboxes")
                .resolve(sandboxes.get("box").id().value())
                .resolve("processes");
        agentEnds();
        Files.createDirectories(processes.resolve("a.half-removed/log"));
        Files.createDirectories(processes.resolve("z.damaged"));
        Files.writeString(processes.resolve("z.damaged/process"), "nonsense");

        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(List.of(), guest().signals);
        guest().exitOthers(3);
        assertEquals(3, sandboxes.processes().await("box", "job").getExitCode());
        assertEquals(2, sandboxes.processes().list("box").size());
        assertFalse(Files.exists(processes.resolve("a.half-removed")));
    }

    @Test
    void sandboxThatEnds_endsIt_alsoWhenNobodyReads() throws Exception {
        start(ClientLostPolicy.KEEP);
        var _ = execute("job", "1", client);
        client.awaitStarted();
        guest().exit(0);

        assertTrue(sandboxes.processes().await("box", "job").hasLost());
        assertEquals(0, sandboxes.processes().await("box", "").getExitCode());
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertTrue(sandboxes.processes().await("box", "job").hasLost());
        assertEquals(2, sandboxes.processes().list("box").size());
    }

    private void agentEnds() {
        sandboxes.shutdown(Duration.ofSeconds(10));
    }

    private void awaitLog(String text) throws Exception {
        while (!log("job").contains(text)) {
            Thread.onSpinWait();
        }
    }

    private List<String> log(String process) throws Exception {
        List<String> entries = new ArrayList<>();
        sandboxes.processes().readLog("box", process, false, Instant.MIN, 0, 0, entry -> {
            ProcessEvent event = entry.getEvent();
            entries.add(
                    event.hasStarted()
                            ? "started"
                            : event.hasOutput()
                                    ? event.getOutput().getData().toStringUtf8()
                                    : "exit " + event.getTerminated().getExitCode());
        });
        return entries;
    }

    private Attachment attach(String process, OptionalLong offset, RecordingObserver observer) throws Exception {
        return sandboxes.processes().attach("box", process, offset, OptionalLong.empty(), true, observer);
    }

    private ProcessControl execute(String id, String digest, RecordingObserver observer) throws Exception {
        return sandboxes
                .processes()
                .execute(
                        "box",
                        new ExecOrder(
                                PROCESS,
                                Optional.empty(),
                                Optional.of(new ExecOrder.Kept(
                                        RunOrder.Kept.DEFAULT, Optional.of(id), ByteString.copyFromUtf8(digest)))),
                        observer);
    }

    private static SandboxException refused(org.junit.jupiter.api.function.Executable action) {
        return assertThrows(SandboxException.class, action);
    }

    private void start(ClientLostPolicy policy) throws Exception {
        var _ = sandboxes.run(
                FakeWorld.order(RunTest.spec(policy, world.root(), false, "box", Hypervisors.DEFAULT_URI)), own);
        own.awaitStarted();
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
