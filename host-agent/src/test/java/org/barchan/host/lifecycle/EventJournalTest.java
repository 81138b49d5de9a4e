package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class EventJournalTest {
    private static final long BYTES = 64 << 10;

    private final Path directory;

    EventJournalTest(@TempDir Path parent) {
        directory = parent.resolve("events");
    }

    private EventJournal open(String bootId) {
        return new EventJournal(directory, bootId, BYTES);
    }

    private static void append(EventJournal journal, int from, int to) {
        IntStream.range(from, to).forEach(number -> journal.append(event(number)));
    }

    private static Event event(int number) {
        return Event.newBuilder()
                .setType(EventType.EVENT_TYPE_SANDBOX_RUNNING)
                .setTime(Timestamp.newBuilder().setSeconds(number))
                .setSandboxName("box" + number)
                .build();
    }

    private static List<String> names(EventJournal journal, EventCursor from) throws Exception {
        List<String> names = new ArrayList<>();
        try (EventJournal.Reader reader = journal.reader(from)) {
            for (Optional<EventJournal.Entry> next = reader.next(Duration.ZERO);
                    next.isPresent();
                    next = reader.next(Duration.ZERO)) {
                Event event = next.get().event();
                names.add(event.getType() == EventType.EVENT_TYPE_EVENTS_LOST ? "lost" : event.getSandboxName());
            }
        }
        return names;
    }

    private static List<String> boxes(int from, int to) {
        return IntStream.range(from, to).mapToObj(number -> "box" + number).toList();
    }

    private Path lastFile() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> !file.endsWith("boot"))
                    .max((a, b) -> Long.compare(number(a), number(b)))
                    .orElseThrow();
        }
    }

    private static long number(Path file) {
        return Long.parseLong(file.getFileName().toString().split("-", -1)[0]);
    }

    private static void assertGone(EventJournal journal, EventCursor cursor) {
        assertEquals(
                Code.OUT_OF_RANGE,
                assertThrows(SandboxException.class, () -> journal.reader(cursor))
                        .code());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "x", "0123456789", "01234567-", "01234567-x", "01234567--1", "01234567-1\n", "0123456G-1"})
    void cursor_thatWasNeverGivenOut_isRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> EventCursor.parse(text));
    }

    @Test
    void cursor_ofNoEvent_isOutOfRange() {
        EventJournal journal = open("boot");
        append(journal, 0, 3);
        EventCursor end = journal.end();

        assertGone(journal, new EventCursor(end.epoch(), end.next() + 1));
        assertGone(journal, new EventCursor("00000000", 1));
        assertEquals(end, EventCursor.parse(end.toString()));
    }

    @Test
    void agentsOneAfterTheOther_goOn_alsoWhenTheyWereKilled() throws Exception {
        EventJournal first = open("boot");
        EventCursor start = first.end();
        append(first, 0, 3);
        EventCursor middle = first.end();
        // It is killed: nobody closes it.
        EventJournal second = open("boot");
        append(second, 3, 5);

        assertEquals(boxes(0, 5), names(second, start));
        assertEquals(boxes(3, 5), names(second, middle));
        second.close();
        EventJournal third = open("another boot");
        append(third, 5, 6);
        assertEquals(boxes(3, 6), names(third, middle), "all was on the disk when the host went down");
    }

    @Test
    void hostThatWentDown_mayHaveLostSome_whichIsSaid() throws Exception {
        EventJournal first = open("boot");
        append(first, 0, 3);
        EventCursor known = first.end();
        append(first, 3, 5);
        EventCursor lost = first.end();
        // The last two never came to the disk.
        try (RandomAccessFile file = new RandomAccessFile(lastFile().toFile(), "rw")) {
            file.setLength(file.length() * 3 / 5);
        }

        EventJournal second = open("another boot");
        assertGone(second, lost);
        append(second, 5, 6);
        assertEquals(List.of("lost", "box5"), names(second, known));
        EventJournal third = open("another boot");
        assertEquals(List.of("lost", "box5"), names(third, known), "said once");
    }

    @Test
    void hostThatWentDown_beforeAnythingWasSaid_isSaidByTheNextAgent() throws Exception {
        EventJournal first = open("boot");
        append(first, 0, 1);
        EventCursor start = first.oldest();
        var _ = open("another boot");

        assertEquals(List.of("box0", "lost"), names(open("another boot"), start));
    }

    @Test
    void tornTail_isDropped_andSaid() throws Exception {
        EventJournal first = open("boot");
        append(first, 0, 3);
        EventCursor start = first.oldest();
        try (RandomAccessFile file = new RandomAccessFile(lastFile().toFile(), "rw")) {
            file.setLength(file.length() - 1);
        }

        EventJournal second = open("boot");
        append(second, 3, 4);
        assertEquals(List.of("box0", "box1", "lost", "box3"), names(second, start));
    }

    @Test
    void damageInTheMiddle_isSaid_andWhatIsBehindIsRead() throws Exception {
        EventJournal journal = open("boot");
        Path first = lastFile();
        EventCursor start = journal.end();
        append(journal, 0, 500);
        try (RandomAccessFile file = new RandomAccessFile(first.toFile(), "rw")) {
            file.seek(10);
            file.write(1);
        }

        List<String> names = names(journal, start);
        assertEquals("lost", names.getFirst());
        assertEquals("box499", names.getLast());
        assertTrue(names.size() > 100, () -> "too much is lost: " + names.size());
    }

    @Test
    void tooMany_dropTheOldest_whichIsOutOfRange_alsoForWhoReadsMoreSlowly() throws Exception {
        EventJournal journal = open("boot");
        EventCursor start = journal.end();
        append(journal, 0, 10);
        try (EventJournal.Reader slow = journal.reader(start)) {
            assertEquals("box0", slow.next(Duration.ZERO).orElseThrow().event().getSandboxName());
            append(journal, 10, 10_000);

            assertGone(journal, start);
            SandboxException e = assertThrows(SandboxException.class, () -> {
                while (slow.next(Duration.ZERO).isPresent()) {}
            });
            assertEquals(Code.OUT_OF_RANGE, e.code());
        }
        List<String> names = names(journal, journal.oldest());
        assertEquals(boxes(10_000 - names.size(), 10_000), names);
        assertTrue(names.size() > 1000, () -> "only " + names.size());
        try (Stream<Path> files = Files.list(directory)) {
            long size = files.mapToLong(file -> file.toFile().length()).sum();
            assertTrue(size <= BYTES + 100, () -> size + " bytes");
        }
    }

    @Test
    void whoWaits_getsWhatComes_andIsToldOfTheEnd() throws Exception {
        EventJournal journal = open("boot");
        EventCursor start = journal.end();
        CompletableFuture<String> waited = new CompletableFuture<>();
        CompletableFuture<Code> ended = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try (EventJournal.Reader reader = journal.reader(start)) {
                waited.complete(
                        reader.next(Duration.ofHours(1)).orElseThrow().event().getSandboxName());
                var _ = reader.next(Duration.ofHours(1));
            } catch (SandboxException e) {
                ended.complete(e.code());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        append(journal, 7, 8);

        assertEquals("box7", waited.get());
        journal.close();
        assertEquals(Code.UNAVAILABLE, ended.get());
    }

    @Test
    void eventThatCouldNotBeWritten_isSaidByTheNextAgent() throws Exception {
        EventJournal first = open("boot");
        EventCursor start = first.end();
        append(first, 0, 1);
        int number = 1;
        // The next file can't be made when its time comes.
        for (long end = 0; end != first.end().next(); number++) {
            end = first.end().next();
            Path inTheWay = Files.createDirectory(directory.resolve(end + "-" + start.epoch()));
            append(first, number, number + 1);
            Files.delete(inTheWay);
        }

        List<String> expected = new ArrayList<>(boxes(0, number - 1));
        expected.add("lost");
        // It is killed: nobody closes it.
        EventJournal second = open("boot");
        assertEquals(expected, names(second, start));
        assertEquals(expected, names(open("boot"), start), "said once");
    }

    @Test
    void directoryThatCannotBeMade_losesEvents_notTheAgent() throws Exception {
        Files.writeString(directory, "in the way");
        EventJournal journal = open("boot");
        EventCursor start = journal.end();
        append(journal, 0, 2);
        assertEquals(List.of(), names(journal, start));
        Files.delete(directory);
        Files.createDirectory(directory);
        append(journal, 2, 3);

        assertEquals(List.of("lost", "box2"), names(journal, start));
        journal.close();
    }
}
