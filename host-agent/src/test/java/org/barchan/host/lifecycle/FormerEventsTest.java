package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Event;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an agent tells of the sandboxes of a former one that was killed. */
@Timeout(60)
final class FormerEventsTest {
    private static final SandboxName BOX = new SandboxName("box");
    private static final SandboxName MINE = new SandboxName("mine");
    private static final SandboxName OTHER = new SandboxName("other");
    private static final String GONE = " lost: it was gone when the agent came back";

    private final Path directory;
    private final SandboxId id = SandboxId.random();
    private final Events killed;

    FormerEventsTest(@TempDir Path directory) {
        this.directory = directory;
        killed = open("first");
    }

    /** Another boot of the host has a file of its own. */
    private Events open(String bootId) {
        return Events.open(directory, Path.of("/run/agent"), bootId);
    }

    static List<String> told(Events events) throws Exception {
        List<String> told = new ArrayList<>();
        EventOrder all = new EventOrder(new EventOrder.Anywhere(), false, Optional.empty(), Set.of(), Set.of());
        events.watch(all, new Events.Taker() {
            @Override
            public void position(EventCursor cursor, boolean incomplete) {}

            @Override
            public void event(Event event, EventCursor behind) {
                told.add(EventsTest.text(event).strip());
            }
        });
        return told;
    }

    @Test
    void whatThisAgentHasMadeMeanwhile_isNotGone() throws Exception {
        killed.running(id, BOX);
        Events events = open("first");
        events.running(SandboxId.random(), MINE);
        events.goneBut(Set.of(), Map.of());

        assertEquals(
                List.of(
                        "box SANDBOX_RUNNING",
                        "mine SANDBOX_RUNNING",
                        "box SANDBOX_ENDED" + GONE,
                        "box SANDBOX_DELETED"),
                told(events));
    }

    @Test
    void whatCannotBeRead_isMissed_andToldWhenItCan() throws Exception {
        killed.running(id, BOX);
        killed.processStarted(id, BOX, "job");
        SandboxId living = SandboxId.random();
        killed.running(living, OTHER);
        killed.processStarted(living, OTHER, "job");
        Path file = onlyFile();
        Events events = open("second");
        Path aside = Files.move(file, directory.resolve("aside"));
        events.goneBut(Set.of(living), Map.of());
        events.processEnded(
                living, OTHER, "job", Termination.newBuilder().setExitCode(3).build());
        events.paused(living, OTHER);
        Files.move(aside, file);
        events.running(SandboxId.random(), MINE);
        events.ended(living, OTHER, Termination.newBuilder().setExitCode(4).build());
        events.goneBut(Set.of(), Map.of());

        assertEquals(
                List.of(
                        "box SANDBOX_RUNNING",
                        "box/job PROCESS_STARTED",
                        "other SANDBOX_RUNNING",
                        "other/job PROCESS_STARTED",
                        // The host went down.
                        "EVENTS_LOST",
                        // The file can't be read.
                        "EVENTS_LOST",
                        "other/job PROCESS_ENDED exit code 3",
                        "other SANDBOX_PAUSED",
                        "box/job PROCESS_ENDED" + GONE,
                        "box SANDBOX_ENDED" + GONE,
                        "box SANDBOX_DELETED",
                        "mine SANDBOX_RUNNING",
                        "other SANDBOX_ENDED exit code 4",
                        "other SANDBOX_DELETED"),
                told(events));
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith("boot"))
                    .reduce((_, _) -> {
                        throw new AssertionError("there are two");
                    })
                    .orElseThrow();
        }
    }

    @Test
    void whatWasRenamed_isGoneByItsLastName() throws Exception {
        killed.running(id, BOX);
        killed.renamed(id, BOX, OTHER);
        // Of one that is not known, nothing would ever tell the end.
        killed.renamed(SandboxId.random(), BOX, MINE);
        Events events = open("first");
        assertEquals(Optional.of(OTHER), events.lastName(id));
        assertEquals(Optional.empty(), events.lastName(SandboxId.random()));
        events.goneBut(Set.of(), Map.of());

        assertEquals(
                List.of(
                        "box SANDBOX_RUNNING",
                        "other SANDBOX_RENAMED from box",
                        "other SANDBOX_ENDED" + GONE,
                        "other SANDBOX_DELETED"),
                told(events));
    }
}
