package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SandboxRecordsTest {
    private static final Path OWNER = Path.of("/run/agent");

    @TempDir
    private Path directory;

    private SandboxRecords records(Path owner) {
        SandboxRecords records = new SandboxRecords(directory.resolve("sandboxes"), owner, 3, Events.NONE);
        records.load();
        return records;
    }

    private static SandboxView view(int number) {
        return new SandboxView(
                SandboxId.random(),
                new SandboxName("box" + number),
                SandboxView.Phase.RUNNING,
                Optional.of(Accelerator.TCG),
                "6.1",
                Instant.ofEpochSecond(number),
                "boot",
                1,
                ClientLostPolicy.KEEP,
                SandboxProcess.getDefaultInstance(),
                Optional.empty());
    }

    @Test
    void former_areThoseOfFormerAgents_thatAreStillThere() throws Exception {
        SandboxRecords before = records(OWNER);
        SandboxId kept = ended(before, view(1), false);
        SandboxId deleted = ended(before, view(2), false);
        assertEquals(Set.of(), before.former().keySet());

        SandboxRecords after = records(OWNER);
        var _ = ended(after, view(3), false);
        after.delete(deleted);
        assertEquals(Set.of(kept), after.former().keySet());
    }

    private static SandboxId ended(SandboxRecords records, SandboxView view, boolean deleted) throws Exception {
        SandboxRecord record = records.create(view, new RunOrder.Kept(ProcessLog.Limit.DEFAULT, false, deleted, false));
        record.log()
                .append(ProcessEvent.newBuilder()
                        .setTerminated(Termination.newBuilder().setExitCode(3))
                        .build());
        return view.id();
    }

    @Test
    void ended_tooMany_dropsTheOldest() throws Exception {
        SandboxRecords records = records(OWNER);
        for (int i = 0; i < 5; i++) {
            records.ended(ended(records, view(i), false));
        }
        List<String> names = records.ended()
                .map(record -> record.view().name().value())
                .sorted()
                .toList();
        assertEquals(List.of("box2", "box3", "box4"), names);
        assertEquals(
                names,
                records(OWNER)
                        .ended()
                        .map(record -> record.view().name().value())
                        .sorted()
                        .toList());
    }

    @Test
    void find_ofAName_isTheLastThatEnded() throws Exception {
        SandboxRecords records = records(OWNER);
        SandboxView older = view(1);
        SandboxView newer = new SandboxView(
                SandboxId.random(),
                older.name(),
                older.phase(),
                older.accelerator(),
                older.kernelRelease(),
                Instant.ofEpochSecond(2),
                older.bootId(),
                1,
                ClientLostPolicy.KEEP,
                SandboxProcess.getDefaultInstance(),
                Optional.empty());
        records.ended(ended(records, newer, false));
        records.ended(ended(records, older, false));
        assertEquals(newer.id(), records.findEnded("box1").orElseThrow().view().id());
        assertEquals(
                older.id(),
                records.findEnded(older.id().value()).orElseThrow().view().id());
    }

    @Test
    void endLost_ofAnAgentThatDiedBeforeItDeletedIt_deletesIt() throws Exception {
        SandboxId id = ended(records(OWNER), view(1), true);
        SandboxRecords next = records(OWNER);
        next.endLost(Set.of());
        assertTrue(next.find(id).isEmpty());
        assertFalse(Files.exists(directory.resolve("sandboxes").resolve(id.value())));
    }

    @Test
    void endLost_ofAnEndThatWasNotNoted_takesItFromTheLog() throws Exception {
        SandboxId id = ended(records(OWNER), view(1), false);
        SandboxRecords next = records(OWNER);
        next.endLost(Set.of());
        assertEquals(
                3,
                next.find(id)
                        .orElseThrow()
                        .view()
                        .end()
                        .orElseThrow()
                        .termination()
                        .getExitCode());
    }

    @Test
    void create_ofThisAgent_isNotLost() throws Exception {
        SandboxRecords records = records(OWNER);
        SandboxView view = view(1);
        SandboxRecord record = records.create(view, RunOrder.Kept.DEFAULT);
        records.endLost(Set.of());
        assertFalse(record.hasEnded());
    }

    @Test
    void delete_whileSomebodyReads_waitsForHim() throws Exception {
        SandboxRecords records = records(OWNER);
        SandboxView view = view(1);
        SandboxId id = ended(records, view, false);
        Path kept = directory.resolve("sandboxes").resolve(id.value());
        try (ProcessLog.Reader reader = records.find(id).orElseThrow().log().reader(0, 0, Instant.MIN)) {
            records.delete(id);
            assertTrue(records.find(id).isEmpty());
            assertTrue(Files.exists(kept));
            assertEquals(
                    3,
                    reader.next(true).orElseThrow().getEvent().getTerminated().getExitCode());
        }
        assertFalse(Files.exists(kept));
    }

    @Test
    void load_damaged_leavesItAlone_andReadsTheOthers() throws Exception {
        SandboxRecords records = records(OWNER);
        SandboxId damaged = ended(records, view(1), false);
        records.ended(ended(records, view(2), false));
        Files.writeString(
                directory.resolve("sandboxes").resolve(damaged.value()).resolve("process"), "nonsense");
        SandboxRecords next = records(OWNER);
        next.endLost(Set.of());
        assertEquals(1, next.ended().count());
        assertTrue(next.isThere(damaged));
    }
}
