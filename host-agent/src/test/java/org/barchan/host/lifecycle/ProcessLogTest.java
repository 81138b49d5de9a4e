package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.barchan.host.lifecycle.ProcessLog.Limit;
import org.barchan.host.lifecycle.ProcessLog.Policy;
import org.barchan.v1.LogEntry;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ProcessLogTest {
    private static final Limit SMALL = new Limit(Limit.MIN_BYTES, Policy.DROP_OLDEST);
    private static final OutputStream STDOUT = OutputStream.OUTPUT_STREAM_STDOUT;
    private static final OutputStream STDERR = OutputStream.OUTPUT_STREAM_STDERR;

    @TempDir
    private Path parent;

    private Path directory() {
        return parent.resolve("log");
    }

    private static ProcessEvent started() {
        return ProcessEvent.newBuilder()
                .setStarted(ProcessStarted.newBuilder().setPid(2))
                .build();
    }

    private static ProcessEvent output(OutputStream stream, long offset, ByteString data) {
        return ProcessEvent.newBuilder()
                .setOutput(ProcessOutput.newBuilder()
                        .setStream(stream)
                        .setOffset(offset)
                        .setData(data))
                .build();
    }

    private static ProcessEvent output(OutputStream stream, long offset, String text) {
        return output(stream, offset, ByteString.copyFromUtf8(text));
    }

    private static ProcessEvent ended(int code) {
        return ProcessEvent.newBuilder()
                .setTerminated(Termination.newBuilder().setExitCode(code))
                .build();
    }

    private static ProcessLog.Reader reader(ProcessLog log, long stdout, long stderr) {
        return log.reader(stdout, stderr, Instant.MIN);
    }

    /** Reads what is there, each entry in a word or two. */
    private static List<String> read(ProcessLog log, long stdout, long stderr) throws Exception {
        List<String> words = new ArrayList<>();
        try (ProcessLog.Reader reader = reader(log, stdout, stderr)) {
            for (Optional<LogEntry> next = reader.next(false); next.isPresent(); next = reader.next(false)) {
                words.add(word(next.get()));
            }
        }
        return words;
    }

    private static String word(LogEntry entry) {
        if (entry.hasGap()) {
            return "gap " + entry.getGap().getOffset() + "+" + entry.getGap().getBytes();
        }
        ProcessEvent event = entry.getEvent();
        return switch (event.getEventCase()) {
            case STARTED -> "started";
            case OUTPUT ->
                (event.getOutput().getStream() == STDOUT ? "out " : "err ")
                        + event.getOutput().getOffset() + " "
                        + event.getOutput().getData().toStringUtf8();
            case TERMINATED -> "exit " + event.getTerminated().getExitCode();
            case EVENT_NOT_SET -> "nothing";
        };
    }

    @Test
    void limitBelowTheLeast_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Limit(1000, Policy.BLOCK));
    }

    @Test
    void whatIsAppended_isRead_fromAnyOffset_alsoByALaterAgent() throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            log.append(started());
            log.append(output(STDOUT, 0, "abc"));
            log.append(output(STDERR, 0, "E"));
            log.append(output(STDOUT, 3, "def"));
            assertFalse(log.end().isPresent());
        }
        try (ProcessLog log = ProcessLog.open(directory(), SMALL)) {
            assertTrue(log.isStarted());
            assertEquals(6, log.stdoutEnd());
            assertEquals(1, log.stderrEnd());
            log.append(output(STDOUT, 6, "g"));
            log.append(ended(3));
            log.append(ended(4));
        }
        ProcessLog log = ProcessLog.open(directory(), SMALL);
        assertEquals(3, log.end().orElseThrow().getEvent().getTerminated().getExitCode());
        assertEquals(List.of("started", "out 0 abc", "err 0 E", "out 3 def", "out 6 g", "exit 3"), read(log, 0, 0));
        assertEquals(List.of("out 4 ef", "out 6 g", "exit 3"), read(log, 4, 1));
        assertEquals(List.of("exit 3"), read(log, 7, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 20})
    void whatAPowerFailureCutOff_isNoPartOfIt(int bytes) throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            log.append(started());
            log.append(output(STDOUT, 0, "abc"));
        }
        Path file = directory().resolve("0-0-0");
        byte[] whole = Files.readAllBytes(file);
        byte[] torn = new byte[bytes];
        System.arraycopy(whole, 0, torn, 0, Math.min(bytes, whole.length));
        torn[bytes - 1] ^= 1;
        Files.write(file, torn, StandardOpenOption.APPEND);
        try (ProcessLog log = ProcessLog.open(directory(), SMALL)) {
            log.append(output(STDOUT, 3, "d"));
            assertEquals(List.of("started", "out 0 abc", "out 3 d"), read(log, 0, 0));
        }
    }

    @Test
    void emptyDirectory_asAnAgentThatWasKilledLeavesIt_isAnEmptyLog() throws Exception {
        Files.createDirectory(directory());
        try (ProcessLog log = ProcessLog.open(directory(), SMALL)) {
            assertFalse(log.isStarted());
            assertEquals(List.of(), read(log, 0, 0));
        }
    }

    @Test
    void moreThanIsKept_dropsTheOldest_andSaysHowMuch() throws Exception {
        byte[] all = new byte[5 << 20];
        new Random(1).nextBytes(all);
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            log.append(started());
            appendAll(log, all);
            log.append(ended(0));
            assertTrue(kept() <= SMALL.bytes(), "kept " + kept());
            ByteArrayOutputStream got = new ByteArrayOutputStream();
            long gap = 0;
            try (ProcessLog.Reader reader = reader(log, 0, 0)) {
                for (Optional<LogEntry> next = reader.next(true); next.isPresent(); next = reader.next(true)) {
                    gap += next.get().getGap().getBytes();
                    next.get().getEvent().getOutput().getData().writeTo(got);
                }
            }
            assertTrue(got.size() > SMALL.bytes() / 2, "got " + got.size());
            assertEquals(all.length, gap + got.size());
            assertEquals(ByteString.copyFrom(all).substring((int) gap), ByteString.copyFrom(got.toByteArray()));
        }
    }

    @Test
    void reader_whoseFileWasDropped_readsThatToItsEnd_thenIsToldOfTheGap() throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), SMALL);
                ProcessLog.Reader reader = reader(log, 0, 0)) {
            log.append(output(STDOUT, 0, "x"));
            assertEquals("out 0 x", word(reader.next(false).orElseThrow()));
            byte[] rest = new byte[5 << 20];
            for (int at = 0; at < rest.length; at += 50_000) {
                log.append(output(STDOUT, 1 + at, ByteString.copyFrom(rest, at, Math.min(50_000, rest.length - at))));
            }
            long next = 1;
            long missing = 0;
            for (Optional<LogEntry> entry = reader.next(false); entry.isPresent(); entry = reader.next(false)) {
                if (entry.get().hasGap()) {
                    assertEquals(next, entry.get().getGap().getOffset());
                    missing += entry.get().getGap().getBytes();
                    next += entry.get().getGap().getBytes();
                } else {
                    assertEquals(next, entry.get().getEvent().getOutput().getOffset());
                    next += entry.get().getEvent().getOutput().getData().size();
                }
            }
            assertEquals(1 + rest.length, next);
            assertTrue(missing > 0);
        }
    }

    @Test
    void block_holdsTheProcessBackUntilSomebodyReads_andLosesNothing() throws Exception {
        byte[] all = new byte[12 << 20];
        new Random(2).nextBytes(all);
        try (ProcessLog log = ProcessLog.create(directory(), new Limit(Limit.MIN_BLOCK_BYTES, Policy.BLOCK))) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                try {
                    appendAll(log, all);
                    log.append(ended(0));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThrows(TimeoutException.class, () -> writer.get(300, TimeUnit.MILLISECONDS));
            ByteArrayOutputStream got = new ByteArrayOutputStream();
            try (ProcessLog.Reader reader = reader(log, 0, 0)) {
                for (Optional<LogEntry> next = reader.next(true); next.isPresent(); next = reader.next(true)) {
                    assertFalse(next.get().hasGap());
                    next.get().getEvent().getOutput().getData().writeTo(got);
                }
            }
            writer.get(10, TimeUnit.SECONDS);
            assertEquals(ByteString.copyFrom(all), ByteString.copyFrom(got.toByteArray()));
        }
    }

    @Test
    void spill_keepsAll() throws Exception {
        byte[] all = new byte[3 << 20];
        try (ProcessLog log = ProcessLog.create(directory(), new Limit(Limit.MIN_BYTES, Policy.SPILL))) {
            appendAll(log, all);
            assertTrue(kept() > all.length);
            assertFalse(read(log, 0, 0).getFirst().startsWith("gap"));
        }
    }

    @Test
    void spill_leavesRoomOnTheDisk() throws Exception {
        AtomicLong free = new AtomicLong();
        try (ProcessLog log = ProcessLog.create(directory(), new Limit(Limit.MIN_BYTES, Policy.SPILL), free::get)) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                try {
                    appendAll(log, new byte[3 << 20]);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThrows(TimeoutException.class, () -> writer.get(300, TimeUnit.MILLISECONDS));
            assertTrue(kept() <= Limit.MIN_BYTES, "kept " + kept());
            assertTrue(kept() > Limit.MIN_BYTES / 2, "kept " + kept());
            free.set(Long.MAX_VALUE);
            writer.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void block_whoseProcessIsToEnd_waitsForNobody() throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), new Limit(Limit.MIN_BLOCK_BYTES, Policy.BLOCK))) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                try {
                    appendAll(log, new byte[5 << 20]);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThrows(TimeoutException.class, () -> writer.get(300, TimeUnit.MILLISECONDS));
            log.unlimit();
            writer.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void end_onADiskThatTakesNothing_givesUp() throws Exception {
        ProcessLog log = ProcessLog.create(directory(), SMALL);
        log.append(started());
        try (Stream<Path> files = Files.list(directory())) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory());
        assertFalse(log.end(Termination.getDefaultInstance()));
        assertTrue(log.end().isEmpty());
        log.append(output(STDOUT, 0, "x"));
    }

    @Test
    void append_interrupted_losesNothingThatWasThere() throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            log.append(started());
            appendAll(log, new byte[900_000]);
            long kept = kept();
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> log.append(output(STDOUT, 900_000, "x")));
            assertEquals(kept, kept());
            log.append(output(STDOUT, 900_000, "y"));
            assertEquals(900_001, log.stdoutEnd());
        }
    }

    @Test
    void append_afterItWasClosed_isNothing() throws Exception {
        ProcessLog log = ProcessLog.create(directory(), SMALL);
        log.close();
        log.append(ended(1));
        assertTrue(log.end().isEmpty());
    }

    @Test
    void fileThatIsDamaged_isAGap_notTheEnd() throws Exception {
        byte[] all = new byte[700_000];
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            appendAll(log, all);
            log.append(ended(5));
        }
        Path first = directory().resolve("0-0-0");
        byte[] bytes = Files.readAllBytes(first);
        bytes[20] ^= 1;
        Files.write(first, bytes);
        ProcessLog log = ProcessLog.openEnded(directory(), SMALL);
        List<String> words = read(log, 0, 0);
        assertTrue(words.getFirst().startsWith("gap 0+"), words.getFirst());
        assertEquals("exit 5", words.getLast());
    }

    @Test
    void readers_waitForMore_eachAtItsOwnPace_untilItIsClosed() throws Exception {
        ProcessLog log = ProcessLog.create(directory(), SMALL);
        List<CompletableFuture<List<String>>> readers = Stream.of(1, 2, 3)
                .map(_ -> CompletableFuture.supplyAsync(() -> follow(log)))
                .toList();
        log.append(started());
        for (int i = 0; i < 100; i++) {
            log.append(output(STDOUT, i, "x"));
        }
        log.close();
        for (CompletableFuture<List<String>> reader : readers) {
            assertEquals(101, reader.get(10, TimeUnit.SECONDS).size());
        }
    }

    private static List<String> follow(ProcessLog log) {
        List<String> words = new ArrayList<>();
        try (ProcessLog.Reader reader = reader(log, 0, 0)) {
            for (Optional<LogEntry> next = reader.next(true); next.isPresent(); next = reader.next(true)) {
                words.add(word(next.get()));
            }
            return words;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void since_leavesOutWhatCameBefore_withoutCallingItAGap() throws Exception {
        try (ProcessLog log = ProcessLog.create(directory(), SMALL)) {
            log.append(started());
            log.append(output(STDOUT, 0, "old"));
            Instant now = Instant.now().plusNanos(1);
            while (!Instant.now().isAfter(now)) {
                Thread.onSpinWait();
            }
            log.append(output(STDOUT, 3, "new"));
            try (ProcessLog.Reader reader = log.reader(0, 0, now)) {
                assertEquals("out 3 new", word(reader.next(false).orElseThrow()));
                assertTrue(reader.next(false).isEmpty());
            }
        }
    }

    private static void appendAll(ProcessLog log, byte[] all) throws InterruptedException {
        Random random = new Random(3);
        for (int at = 0; at < all.length; ) {
            int size = Math.min(all.length - at, 1 + random.nextInt(60_000));
            log.append(output(STDOUT, at, ByteString.copyFrom(all, at, size)));
            at += size;
        }
    }

    private long kept() throws IOException {
        try (Stream<Path> files = Files.list(directory())) {
            return files.filter(file -> !file.endsWith("reserve"))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }
}
