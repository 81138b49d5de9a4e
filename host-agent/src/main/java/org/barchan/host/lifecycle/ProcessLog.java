package org.barchan.host.lifecycle;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.v1.LogEntry;
import org.barchan.v1.OutputGap;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.Termination;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process does, kept in files in the order in which it came. One thread appends, any number read, each at its own pace. It survives the
 * agent: what was appended is in the kernel's hands, and the end of the process is on the disk before anybody reads it.
 *
 * <p>Files are used in a way that an interrupt does not disturb: it ends whoever waits, and half of nothing is written. A file holds {@link LogFrame}s. Its name is its number and how much of
 * each stream came before it, so that older files can go. A frame that a power failure cut off is no part of the log.
 */
public final class ProcessLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessLog.class);
    private static final Pattern NAME = Pattern.compile("(\\d{1,18})-(\\d{1,18})-(\\d{1,18})");
    private static final String RESERVE = "reserve";
    /** A log of so many files loses little of what it may keep when the oldest goes. */
    private static final int SEGMENTS = 8;

    /** Makes room for the end of the process on a disk that is full. */
    private static final int RESERVED_BYTES = 64 * 1024;

    private static final long RETRY_MILLIS = 1000;

    /** Whoever waits for the end of a process is not kept for ever by a disk. */
    private static final int END_ATTEMPTS = 5;

    /** What is kept without a limit leaves so much of the disk to others. */
    private static final long LEFT_FREE_BYTES = 256 << 20;

    /** What a reader has read and its client may not have got. */
    private static final long UNDER_WAY_BYTES = 1 << 20;

    /** What happens when a process has written more than is kept. */
    public enum Policy {
        DROP_OLDEST,
        BLOCK,
        SPILL
    }

    /**
     * How much is kept.
     *
     * @param bytes most bytes of all files
     */
    public record Limit(long bytes, Policy policy) {
        public static final long MIN_BYTES = 1 << 20;
        /** Readers are far ahead of their clients. */
        public static final long MIN_BLOCK_BYTES = 4 << 20;

        public static final Limit DEFAULT = new Limit(64 << 20, Policy.DROP_OLDEST);

        public Limit {
            long least = policy == Policy.BLOCK ? MIN_BLOCK_BYTES : MIN_BYTES;
            if (bytes < least) {
                throw new IllegalArgumentException(bytes + " (expected: at least " + least + ", with the policy "
                        + policy.name().toLowerCase(Locale.ROOT).replace('_', '-') + ")");
            }
        }
    }

    /** A file of the log. Its size is guarded by the log's lock. */
    private static final class Segment {
        private final Path file;
        private final long number;
        private final long stdoutStart;
        private final long stderrStart;
        private long size;

        Segment(Path directory, long number, long stdoutStart, long stderrStart) {
            this.file = directory.resolve(number + "-" + stdoutStart + "-" + stderrStart);
            this.number = number;
            this.stdoutStart = stdoutStart;
            this.stderrStart = stderrStart;
        }
    }

    private final Path directory;
    private final Limit limit;
    private final LongSupplier free;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Segment> segments = new ArrayDeque<>();
    private final Set<Reader> readers = new HashSet<>();
    private @Nullable RandomAccessFile file;
    private long stdoutEnd;
    private long stderrEnd;
    private boolean started;
    private Optional<LogEntry> end = Optional.empty();
    private final List<Runnable> whenUnread = new ArrayList<>();
    private boolean unlimited;
    private boolean closed;
    private boolean warned;

    private ProcessLog(Path directory, Limit limit, LongSupplier free) {
        this.directory = directory;
        this.limit = limit;
        this.free = free;
    }

    /** Makes an empty one in a directory that is made for it. */
    static ProcessLog create(Path directory, Limit limit) throws IOException {
        return create(directory, limit, () -> freeBytes(directory));
    }

    /** @param free returns how many bytes the disk has room for */
    static ProcessLog create(Path directory, Limit limit, LongSupplier free) throws IOException {
        Files.createDirectory(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.write(directory.resolve(RESERVE), new byte[RESERVED_BYTES]);
        ProcessLog log = new ProcessLog(directory, limit, free);
        log.roll();
        return log;
    }

    /** Opens one that an agent has left, to read it and to go on with it. */
    static ProcessLog open(Path directory, Limit limit) throws IOException {
        ProcessLog log = new ProcessLog(directory, limit, () -> freeBytes(directory));
        log.scan(true);
        return log;
    }

    /** Opens one whose process has ended. */
    static ProcessLog openEnded(Path directory, Limit limit) throws IOException {
        ProcessLog log = new ProcessLog(directory, limit, () -> freeBytes(directory));
        log.scan(false);
        log.closed = true;
        return log;
    }

    /** Returns how much the file system of a directory has room for; {@link Long#MAX_VALUE} where that can't be told. */
    static long freeBytes(Path directory) {
        try {
            return Files.getFileStore(directory).getUsableSpace();
        } catch (IOException e) {
            // Writing will tell.
            return Long.MAX_VALUE;
        }
    }

    private void scan(boolean goOn) throws IOException {
        List<Segment> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
                if (name.matches()) {
                    Segment segment = new Segment(
                            directory,
                            Long.parseLong(name.group(1)),
                            Long.parseLong(name.group(2)),
                            Long.parseLong(name.group(3)));
                    segment.size = Files.size(file);
                    found.add(segment);
                }
            }
        }
        found.sort(Comparator.comparingLong(segment -> segment.number));
        segments.addAll(found);
        Segment last = segments.peekLast();
        if (last == null) {
            if (goOn) {
                roll();
            }
            return;
        }
        stdoutEnd = last.stdoutStart;
        stderrEnd = last.stderrStart;
        started = segments.size() > 1;
        try (RandomAccessFile opened = new RandomAccessFile(last.file.toFile(), goOn ? "rw" : "r")) {
            long position = 0;
            for (LogEntry entry = read(opened, position, last.size);
                    entry != null;
                    entry = read(opened, position, last.size)) {
                note(entry);
                position += LogFrame.HEADER + entry.getSerializedSize();
            }
            if (position < last.size && goOn) {
                LOG.warn("{}: {} bytes at its end are no entries: dropped", last.file, last.size - position);
                opened.setLength(position);
                last.size = position;
            }
        }
    }

    /** Returns an entry; null where there is none. */
    private static @Nullable LogEntry read(RandomAccessFile file, long position, long size) throws IOException {
        byte[] entry = LogFrame.read(file, position, size);
        try {
            return entry == null ? null : LogEntry.parseFrom(entry);
        } catch (InvalidProtocolBufferException e) {
            return null;
        }
    }

    private void note(LogEntry entry) {
        ProcessEvent event = entry.getEvent();
        started |= event.hasStarted() || event.hasOutput();
        if (event.hasOutput()) {
            long outputEnd = end(event.getOutput());
            if (isStdout(event.getOutput().getStream())) {
                stdoutEnd = outputEnd;
            } else {
                stderrEnd = outputEnd;
            }
        } else if (event.hasTerminated()) {
            end = Optional.of(entry);
        }
    }

    private static long end(ProcessOutput output) {
        return output.getOffset() + output.getData().size();
    }

    private static boolean isStdout(OutputStream stream) {
        return stream == OutputStream.OUTPUT_STREAM_STDOUT;
    }

    /**
     * Appends an event other than the end, now. Blocks while the disk is full, and as {@link Policy} says. What comes behind the end, or when
     * the log is closed, is left out.
     */
    void append(ProcessEvent event) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!isOver() && !write(event)) {
                changed.await(RETRY_MILLIS, TimeUnit.MILLISECONDS);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Appends the end, waiting some seconds for room on the disk. A log that can't get one is closed.
     *
     * @return whether there is an end
     */
    boolean end(Termination termination) throws InterruptedException {
        ProcessEvent event =
                ProcessEvent.newBuilder().setTerminated(termination).build();
        lock.lockInterruptibly();
        try {
            for (int attempt = 0; attempt < END_ATTEMPTS && !isOver() && !write(event); attempt++) {
                changed.await(RETRY_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (end.isEmpty() && !closed) {
                LOG.error(
                        "{}: how the process ended can't be written down: {}", directory, Endings.result(termination));
                close();
            }
            return end.isPresent();
        } finally {
            lock.unlock();
        }
    }

    private boolean isOver() {
        return closed || end.isPresent();
    }

    /** Returns whether it is written: not on a disk that is full. */
    private boolean write(ProcessEvent event) throws InterruptedException {
        Instant now = Instant.now();
        LogEntry entry = LogEntry.newBuilder()
                .setTime(Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
                .setEvent(event)
                .build();
        byte[] frame = LogFrame.of(entry.toByteArray());
        boolean last = event.hasTerminated();
        if (!last && segments.getLast().size > 0 && segments.getLast().size + frame.length > limit.bytes() / SEGMENTS) {
            awaitRoom();
        }
        while (!isOver()) {
            try {
                write(frame, last);
                note(entry);
                warned = false;
                changed.signalAll();
                return true;
            } catch (IOException e) {
                if (!warned) {
                    LOG.warn("{}: the process is held back, as its output can't be kept: {}", directory, e.toString());
                    warned = true;
                }
                cut();
                if (limit.policy() != Policy.DROP_OLDEST || !isFull(e) || segments.size() == 1) {
                    return false;
                }
                dropOldest();
            }
        }
        return true;
    }

    private void write(byte[] frame, boolean last) throws IOException {
        Segment segment = segments.getLast();
        if (!last && segment.size > 0 && segment.size + frame.length > limit.bytes() / SEGMENTS) {
            segment = roll();
        }
        if (last) {
            Files.deleteIfExists(directory.resolve(RESERVE));
        }
        RandomAccessFile opened = file();
        opened.seek(segment.size);
        opened.write(frame);
        if (last) {
            opened.getFD().sync();
            sync(directory);
            opened.close();
        }
        segment.size += frame.length;
    }

    static boolean isFull(IOException e) {
        String reason = String.valueOf(e.getMessage());
        return reason.contains("No space left on device") || reason.contains("Disk quota exceeded");
    }

    /** The files of a directory are there after a power failure. */
    static void sync(Path directory) throws IOException {
        try (FileChannel opened = FileChannel.open(directory, StandardOpenOption.READ)) {
            opened.force(true);
        }
    }

    private RandomAccessFile file() throws IOException {
        RandomAccessFile opened = file;
        if (opened == null) {
            opened = new RandomAccessFile(segments.getLast().file.toFile(), "rw");
            file = opened;
        }
        return opened;
    }

    /** Half of a frame is none. */
    private void cut() {
        try {
            file().setLength(segments.getLast().size);
        } catch (IOException e) {
            LOG.warn("{}: {}", directory, e.toString());
        }
    }

    private void awaitRoom() throws InterruptedException {
        while (!isOver() && size() > limit.bytes() - limit.bytes() / SEGMENTS) {
            Segment oldest = segments.getFirst();
            switch (limit.policy()) {
                case DROP_OLDEST -> dropOldest();
                case SPILL -> {
                    if (free.getAsLong() >= LEFT_FREE_BYTES) {
                        return;
                    }
                    if (unlimited) {
                        dropOldest();
                    } else {
                        changed.await(RETRY_MILLIS, TimeUnit.MILLISECONDS);
                    }
                }
                case BLOCK -> {
                    if (unlimited || readers.stream().anyMatch(reader -> isPast(reader, oldest))) {
                        dropOldest();
                    } else {
                        changed.await();
                    }
                }
            }
        }
    }

    private long size() {
        return segments.stream().mapToLong(segment -> segment.size).sum();
    }

    /** Whether a reader is that far beyond a file that its client has had that, too. */
    private boolean isPast(Reader reader, Segment oldest) {
        long between = 0;
        for (Segment other : segments) {
            between += other.number > oldest.number && other.number < reader.number ? other.size : 0;
        }
        return between >= UNDER_WAY_BYTES;
    }

    /** Nothing is waited for from now on, since the process is to end: rather, the oldest output goes. */
    void unlimit() {
        lock.lock();
        try {
            unlimited = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void dropOldest() {
        Segment oldest = segments.removeFirst();
        try {
            Files.deleteIfExists(oldest.file);
        } catch (IOException e) {
            LOG.warn("{}: {}", oldest.file, e.toString());
        }
    }

    private Segment roll() throws IOException {
        Segment last = segments.peekLast();
        Segment next = new Segment(directory, last == null ? 0 : last.number + 1, stdoutEnd, stderrEnd);
        RandomAccessFile opened = new RandomAccessFile(next.file.toFile(), "rw");
        if (file != null) {
            file.close();
        }
        file = opened;
        segments.addLast(next);
        return next;
    }

    /** Returns how much of standard output has been appended. */
    long stdoutEnd() {
        lock.lock();
        try {
            return stdoutEnd;
        } finally {
            lock.unlock();
        }
    }

    /** Returns how much of standard error has been appended. */
    long stderrEnd() {
        lock.lock();
        try {
            return stderrEnd;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the process is known to have been started. */
    boolean isStarted() {
        lock.lock();
        try {
            return started;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the end of the process, once it has been appended. */
    Optional<LogEntry> end() {
        lock.lock();
        try {
            return end;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is appended any more; who reads comes to the end. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (file != null) {
                file.close();
            }
            changed.signalAll();
        } catch (IOException e) {
            LOG.warn("{}: {}", directory, e.toString());
        } finally {
            lock.unlock();
        }
    }

    /** Runs something once nobody reads: now, or when the last reader has closed. */
    void whenUnread(Runnable action) {
        lock.lock();
        try {
            whenUnread.add(action);
        } finally {
            lock.unlock();
        }
        runWhenUnread();
    }

    private void runWhenUnread() {
        List<Runnable> actions = new ArrayList<>();
        lock.lock();
        try {
            if (readers.isEmpty()) {
                actions.addAll(whenUnread);
                whenUnread.clear();
            }
        } finally {
            lock.unlock();
        }
        actions.forEach(Runnable::run);
    }

    /**
     * Starts to read: what comes behind so many bytes of each stream.
     *
     * @param since leaves out what came before
     */
    Reader reader(long stdoutOffset, long stderrOffset, Instant since) {
        Reader reader = new Reader(stdoutOffset, stderrOffset, since);
        lock.lock();
        try {
            readers.add(reader);
            return reader;
        } finally {
            lock.unlock();
        }
    }

    /** Reads from some point on. For one thread. */
    final class Reader implements AutoCloseable {
        private final Instant since;
        private final boolean whole;
        /** What is missing before the first that is wanted is not missed. */
        private boolean begun;

        private final Deque<LogEntry> gaps = new ArrayDeque<>();
        private long stdoutNext;
        private long stderrNext;
        private @Nullable Segment segment;
        private @Nullable RandomAccessFile opened;
        private long position;
        /** Of the file that is read. Guarded by the log's lock. */
        private long number = -1;

        private Reader(long stdoutNext, long stderrNext, Instant since) {
            this.stdoutNext = stdoutNext;
            this.stderrNext = stderrNext;
            this.since = since;
            this.begun = since.equals(Instant.MIN) || stdoutNext > 0 || stderrNext > 0;
            this.whole = stdoutNext == 0 && stderrNext == 0;
        }

        /**
         * Returns the next entry; empty at the end of the log.
         *
         * @param wait whether to wait for more where the process has not ended
         */
        Optional<LogEntry> next(boolean wait) throws IOException, InterruptedException {
            while (true) {
                LogEntry gap = gaps.poll();
                if (gap != null) {
                    return Optional.of(gap);
                }
                if (!advance(wait)) {
                    return Optional.ofNullable(gaps.poll());
                }
                if (!gaps.isEmpty()) {
                    continue;
                }
                LogEntry entry = opened == null ? null : read(opened, position, opened.length());
                if (entry == null) {
                    // A power failure left a hole: what is missing shows at the next entry.
                    LOG.warn("{}: damaged at {} of file {}", directory, position, number);
                    position = Long.MAX_VALUE;
                    continue;
                }
                position += LogFrame.HEADER + entry.getSerializedSize();
                Optional<LogEntry> wanted = wanted(entry);
                if (wanted.isPresent()) {
                    gaps.add(wanted.get());
                }
            }
        }

        /** Goes to where there is an entry; returns false when there is none. */
        private boolean advance(boolean wait) throws IOException, InterruptedException {
            lock.lockInterruptibly();
            try {
                while (true) {
                    Segment now = segment;
                    if (now != null && position < now.size) {
                        return true;
                    }
                    Optional<Segment> next = segments.stream()
                            .filter(other -> now == null ? true : other.number > now.number)
                            .findFirst();
                    if (next.isPresent()) {
                        enter(now == null ? first() : next.get());
                        continue;
                    }
                    if (!gaps.isEmpty()) {
                        return true;
                    }
                    if (!wait || isOver()) {
                        return false;
                    }
                    changed.await();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Returns the last file that begins before what is wanted of either stream. */
        private Segment first() {
            Segment best = segments.getFirst();
            for (Segment other : segments) {
                if (other.stdoutStart <= stdoutNext && other.stderrStart <= stderrNext && !whole) {
                    best = other;
                }
            }
            return best;
        }

        private void enter(Segment next) throws IOException {
            RandomAccessFile file = new RandomAccessFile(next.file.toFile(), "r");
            if (opened != null) {
                opened.close();
            }
            opened = file;
            segment = next;
            number = next.number;
            position = 0;
            skipTo(OutputStream.OUTPUT_STREAM_STDOUT, next.stdoutStart);
            skipTo(OutputStream.OUTPUT_STREAM_STDERR, next.stderrStart);
            // Who appends may wait for the file before to be read.
            changed.signalAll();
        }

        private void skipTo(OutputStream stream, long start) {
            long wanted = isStdout(stream) ? stdoutNext : stderrNext;
            if (start > wanted) {
                if (begun) {
                    gaps.add(LogEntry.newBuilder()
                            .setGap(OutputGap.newBuilder()
                                    .setStream(stream)
                                    .setOffset(wanted)
                                    .setBytes(start - wanted))
                            .build());
                }
                reached(stream, start);
            }
        }

        private void reached(OutputStream stream, long offset) {
            if (isStdout(stream)) {
                stdoutNext = offset;
            } else {
                stderrNext = offset;
            }
        }

        /** Returns what of an entry was asked for; what is missing before it comes first. */
        private Optional<LogEntry> wanted(LogEntry entry) {
            ProcessEvent event = entry.getEvent();
            if (event.hasTerminated()) {
                return Optional.of(entry);
            }
            if (time(entry).isBefore(since)) {
                if (event.hasOutput()) {
                    reached(event.getOutput().getStream(), end(event.getOutput()));
                }
                return Optional.empty();
            }
            begun = true;
            if (!event.hasOutput()) {
                return whole ? Optional.of(entry) : Optional.empty();
            }
            ProcessOutput output = event.getOutput();
            long wanted = isStdout(output.getStream()) ? stdoutNext : stderrNext;
            if (end(output) <= wanted) {
                return Optional.empty();
            }
            skipTo(output.getStream(), output.getOffset());
            reached(output.getStream(), end(output));
            int skip = (int) Math.max(0, wanted - output.getOffset());
            return Optional.of(
                    skip == 0
                            ? entry
                            : entry.toBuilder()
                                    .setEvent(ProcessEvent.newBuilder()
                                            .setOutput(output.toBuilder()
                                                    .setOffset(wanted)
                                                    .setData(output.getData().substring(skip))))
                                    .build());
        }

        private static Instant time(LogEntry entry) {
            Timestamp time = entry.getTime();
            return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
        }

        @Override
        public void close() {
            lock.lock();
            try {
                readers.remove(this);
                changed.signalAll();
                if (opened != null) {
                    opened.close();
                }
            } catch (IOException e) {
                LOG.warn("{}: {}", directory, e.toString());
            } finally {
                lock.unlock();
            }
            runWhenUnread();
        }
    }
}
