package org.barchan.host.lifecycle;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events in files, in order, the oldest dropped when there are too many. Any number read, each at its own pace. It survives the agent: what was
 * appended is in the kernel's hands. Nothing waits for the disk, so that a host that goes down may take the last ones with it: then, and where one
 * could not be written, an event says that some are missing. Safe for use by many threads.
 *
 * <p>Events are numbered from 0. A file holds {@link LogFrame}s; its name is the number of the first and the epoch. Within an epoch no event that somebody
 * may have read is lost at the end; so epoch and number say what has been read. {@code boot} beside them says since which boot of the host they are
 * written, and whether all of them are on the disk.
 */
final class EventJournal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventJournal.class);
    private static final Pattern NAME = Pattern.compile("(\\d{1,18})-([0-9a-f]{8})");
    private static final String BOOT = "boot";
    private static final String OPEN = "open";
    private static final String CLOSED = "closed";
    /** Little is lost of what may be kept when the oldest goes. */
    private static final int SEGMENTS = 8;

    /** A file. What changes is guarded by the journal's lock. */
    private static final class Segment {
        private final Path file;
        private final long first;
        private final String epoch;
        private long count;
        private long size;

        Segment(Path directory, long first, String epoch) {
            this.file = directory.resolve(first + "-" + epoch);
            this.first = first;
            this.epoch = epoch;
        }

        long end() {
            return first + count;
        }
    }

    /** An event, and the place behind it. */
    record Entry(Event event, EventCursor behind) {}

    private final Path directory;
    private final String bootId;
    private final long segmentBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Segment> segments = new ArrayDeque<>();
    private String epoch = newEpoch();
    private @Nullable RandomAccessFile file;
    private boolean lost;
    private boolean closed;

    /**
     * Opens what former agents have left, or begins.
     *
     * @param directory made when it is not there
     * @param bootId another for each boot of the host
     * @param bytes most bytes of all files
     */
    EventJournal(Path directory, String bootId, long bytes) {
        this.directory = directory;
        this.bootId = bootId;
        this.segmentBytes = bytes / SEGMENTS;
        try {
            scan();
        } catch (IOException e) {
            LOG.error("{}: what happened before can't be read: {}", directory, e.toString());
            segments.clear();
            lost = true;
        }
        try {
            begin();
        } catch (IOException e) {
            // Each event tries again.
            LOG.error("{}: what happens can't be written down: {}", directory, e.toString());
        }
        if (lost) {
            leaveToTheNext();
        }
    }

    /** Has the next agent say that events are missing, should this one be killed before it can; at worst it is said twice. */
    private void leaveToTheNext() {
        try {
            // There is room for that on any disk.
            Files.deleteIfExists(directory.resolve(BOOT));
        } catch (IOException e) {
            LOG.warn("{}: {}", directory, e.toString());
        }
    }

    private static String newEpoch() {
        return "%08x".formatted(new SecureRandom().nextInt());
    }

    private void scan() throws IOException {
        List<Segment> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path each : files) {
                Matcher name = NAME.matcher(String.valueOf(each.getFileName()));
                if (name.matches()) {
                    Segment segment = new Segment(directory, Long.parseLong(name.group(1)), name.group(2));
                    segment.size = Files.size(each);
                    found.add(segment);
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
        found.sort(Comparator.comparingLong(segment -> segment.first));
        for (int i = 1; i < found.size(); i++) {
            found.get(i - 1).count = found.get(i).first - found.get(i - 1).first;
        }
        segments.addAll(found);
        Segment last = segments.peekLast();
        if (last == null) {
            return;
        }
        boolean whole = count(last);
        String state = state();
        lost = !whole || !(state.equals(state(OPEN)) || state.endsWith(CLOSED));
        if (!lost) {
            epoch = last.epoch;
        }
    }

    /** Counts what is in the last file, and cuts off what is nothing. */
    private static boolean count(Segment last) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(last.file.toFile(), "rw")) {
            long position = 0;
            for (byte[] entry = LogFrame.read(opened, position, last.size);
                    entry != null;
                    entry = LogFrame.read(opened, position, last.size)) {
                position += LogFrame.HEADER + entry.length;
                last.count++;
            }
            boolean whole = position == last.size;
            if (!whole) {
                LOG.warn("{}: {} bytes at its end are no events: dropped", last.file, last.size - position);
                opened.setLength(position);
                last.size = position;
            }
            return whole;
        }
    }

    private String state() {
        try {
            return Files.readString(directory.resolve(BOOT));
        } catch (IOException e) {
            return "";
        }
    }

    private String state(String word) {
        return bootId + " " + word;
    }

    private void begin() throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Segment last = segments.peekLast();
        if (last == null || !last.epoch.equals(epoch)) {
            var _ = roll();
        }
        if (lost) {
            Instant now = Instant.now();
            lost = !write(lost(Timestamp.newBuilder()
                    .setSeconds(now.getEpochSecond())
                    .setNanos(now.getNano())
                    .build()));
        }
        if (!lost && !state().equals(state(OPEN))) {
            // Once for each boot of the host, and after an agent that had all of them written.
            ProcessRecord.replace(directory.resolve(BOOT), state(OPEN).getBytes(UTF_8));
            ProcessLog.sync(directory);
        }
    }

    /** Returns what says that events are missing. */
    static Event lost(Timestamp time) {
        return Event.newBuilder()
                .setType(EventType.EVENT_TYPE_EVENTS_LOST)
                .setTime(time)
                .build();
    }

    /** Appends an event, now. Waits for no disk; one that can't be written is lost, and said to be. */
    void append(Event event) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            boolean before = lost;
            if (lost) {
                lost = !write(lost(event.getTime()));
            }
            lost = lost || !write(event);
            if (lost && !before) {
                LOG.error("{}: what happens can't be written down: see what is above", directory);
                leaveToTheNext();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean write(Event event) {
        byte[] frame = LogFrame.of(event.toByteArray());
        while (true) {
            try {
                write(frame);
                return true;
            } catch (IOException e) {
                cut();
                if (!ProcessLog.isFull(e) || segments.size() < 2) {
                    if (!lost) {
                        LOG.warn("{}: {}", directory, e.toString());
                    }
                    return false;
                }
                dropOldest();
            }
        }
    }

    private void write(byte[] frame) throws IOException {
        Segment last = segments.peekLast();
        if (last == null || !last.epoch.equals(epoch) || (last.size + frame.length > segmentBytes && last.count > 0)) {
            last = roll();
        }
        RandomAccessFile opened = file;
        if (opened == null) {
            opened = new RandomAccessFile(last.file.toFile(), "rw");
            file = opened;
        }
        opened.seek(last.size);
        opened.write(frame);
        last.size += frame.length;
        last.count++;
    }

    private Segment roll() throws IOException {
        Segment last = segments.peekLast();
        Segment next = new Segment(directory, last == null ? 0 : last.end(), epoch);
        RandomAccessFile opened = new RandomAccessFile(next.file.toFile(), "rw");
        if (last != null && last.first == next.first) {
            // It is empty, and the file of another epoch takes its place.
            dropLast();
        }
        if (file != null) {
            file.close();
        }
        file = opened;
        segments.addLast(next);
        while (segments.stream().mapToLong(segment -> segment.size).sum() > (SEGMENTS - 1) * segmentBytes) {
            dropOldest();
        }
        return next;
    }

    private void dropLast() {
        delete(segments.removeLast());
    }

    private void dropOldest() {
        delete(segments.removeFirst());
    }

    private static void delete(Segment segment) {
        try {
            Files.deleteIfExists(segment.file);
        } catch (IOException e) {
            LOG.warn("{}: {}", segment.file, e.toString());
        }
    }

    /** Half of a frame is none. */
    private void cut() {
        Segment last = segments.peekLast();
        if (file != null && last != null) {
            try {
                file.setLength(last.size);
            } catch (IOException e) {
                LOG.warn("{}: {}", last.file, e.toString());
            }
        }
    }

    /** Returns the place behind the last event. */
    EventCursor end() {
        lock.lock();
        try {
            Segment last = segments.peekLast();
            return new EventCursor(epoch, last == null ? 0 : last.end());
        } finally {
            lock.unlock();
        }
    }

    /** Returns the place before the oldest event that is kept. */
    EventCursor oldest() {
        lock.lock();
        try {
            Segment first = segments.peekFirst();
            return first == null ? new EventCursor(epoch, 0) : new EventCursor(first.epoch, first.first);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Starts to read.
     *
     * @throws SandboxException {@code OUT_OF_RANGE} when what is behind the position is not kept any more, or it is none of this journal
     */
    Reader reader(EventCursor from) throws SandboxException {
        lock.lock();
        try {
            boolean known = from.equals(end());
            for (Segment segment : segments) {
                known |= segment.epoch.equals(from.epoch())
                        && segment.first <= from.next()
                        && from.next() <= segment.end();
            }
            if (!known) {
                throw gone();
            }
            return new Reader(from.next());
        } finally {
            lock.unlock();
        }
    }

    private static SandboxException gone() {
        return new SandboxException(
                SandboxException.Code.OUT_OF_RANGE,
                "cursor: what comes behind it is not kept any more, or it is of other events. Leave it out, and look at"
                        + " what there is now");
    }

    static Instant time(Event event) {
        Timestamp time = event.getTime();
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    /** Nothing is appended any more; who waits for more is told so. All is on the disk afterwards. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            changed.signalAll();
            if (file != null && !lost) {
                file.getFD().sync();
                file.close();
                ProcessLog.sync(directory);
                ProcessRecord.replace(directory.resolve(BOOT), state(CLOSED).getBytes(UTF_8));
            }
        } catch (IOException e) {
            LOG.warn("{}: {}", directory, e.toString());
        } finally {
            lock.unlock();
        }
    }

    /** Reads from some place on. For one thread. */
    final class Reader implements AutoCloseable {
        private long next;
        private @Nullable Segment segment;
        private @Nullable RandomAccessFile opened;
        private long inFile;
        private long position;

        private Reader(long next) {
            this.next = next;
        }

        /** Returns the number of the next event. */
        long position() {
            return next;
        }

        /**
         * Returns the next event; empty at the end.
         *
         * @param wait how long to wait for it there; zero: not at all
         * @throws SandboxException {@code OUT_OF_RANGE} when it is not kept any more; {@code UNAVAILABLE}: the agent is stopping, with
         *     {@code wait} alone
         */
        Optional<Entry> next(Duration wait) throws SandboxException, InterruptedException {
            try {
                Optional<Segment> from = advance(wait);
                return from.isPresent() ? Optional.of(read(from.get())) : Optional.empty();
            } catch (IOException e) {
                throw new SandboxException(SandboxException.Code.INTERNAL, "reading the events: " + e, e);
            }
        }

        /** Returns the file that has the next event, opened; empty when there is none yet. */
        private Optional<Segment> advance(Duration wait) throws SandboxException, InterruptedException, IOException {
            long left = wait.compareTo(Duration.ofDays(1)) > 0 ? TimeUnit.DAYS.toNanos(1) : wait.toNanos();
            lock.lockInterruptibly();
            try {
                while (true) {
                    Segment now = segment;
                    if (now != null && next < now.end()) {
                        return Optional.of(now);
                    }
                    for (Segment other : segments) {
                        if (other.first <= next && next < other.end()) {
                            enter(other);
                            return Optional.of(other);
                        }
                    }
                    if (!segments.isEmpty() && next < segments.getFirst().first) {
                        throw gone();
                    }
                    if (closed && left > 0) {
                        throw new SandboxException(
                                SandboxException.Code.UNAVAILABLE, "watching events: the agent is stopping");
                    }
                    if (left <= 0) {
                        return Optional.empty();
                    }
                    left = changed.awaitNanos(left);
                }
            } finally {
                lock.unlock();
            }
        }

        private void enter(Segment other) throws IOException {
            close();
            opened = new RandomAccessFile(other.file.toFile(), "r");
            segment = other;
            inFile = other.first;
            position = 0;
        }

        private Entry read(Segment from) throws IOException {
            RandomAccessFile source = opened;
            while (source != null) {
                byte[] bytes = LogFrame.read(source, position, source.length());
                if (bytes == null) {
                    break;
                }
                position += LogFrame.HEADER + bytes.length;
                if (inFile++ == next) {
                    next = inFile;
                    try {
                        return new Entry(Event.parseFrom(bytes), new EventCursor(from.epoch, next));
                    } catch (InvalidProtocolBufferException e) {
                        break;
                    }
                }
            }
            LOG.warn("{}: damaged before {}", from.file, position);
            lock.lock();
            try {
                next = from.end();
            } finally {
                lock.unlock();
            }
            segment = null;
            return new Entry(
                    Event.newBuilder().setType(EventType.EVENT_TYPE_EVENTS_LOST).build(),
                    new EventCursor(from.epoch, next));
        }

        @Override
        public void close() {
            try {
                if (opened != null) {
                    opened.close();
                }
            } catch (IOException e) {
                LOG.warn("{}: {}", directory, e.toString());
            }
        }
    }
}
