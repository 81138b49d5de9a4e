package org.barchan.host.lifecycle;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Event;
import org.barchan.v1.EventType;
import org.barchan.v1.Lost;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens to sandboxes and their processes, for whoever watches, now or later. Each thing is told once, whichever agent learns of it. Safe for
 * use by many threads.
 */
public final class Events implements AutoCloseable {
    /** Tells nobody. */
    static final Events NONE = new Events(Optional.empty());

    private static final Logger LOG = LoggerFactory.getLogger(Events.class);
    private static final long BYTES = 4 << 20;
    private static final int MAX_TEXT = 1000;
    /** A watcher that wanted none of so many learns where it is. */
    private static final int PASSED = 1000;

    private static final Duration LONG = Duration.ofDays(1);

    /** Whose end is still to be told, or whose processes'. */
    private static final class Known {
        private String name;
        private final Set<String> processes = new HashSet<>();
        private boolean created;
        private boolean running;
        private boolean ended;
        private boolean deleted;
        private boolean former;

        Known(String name) {
            this.name = name;
        }

        void note(Event event) {
            name = event.getSandboxName();
            switch (event.getType()) {
                case EVENT_TYPE_SANDBOX_CREATED -> created = true;
                case EVENT_TYPE_SANDBOX_RUNNING -> running = true;
                case EVENT_TYPE_SANDBOX_ENDED -> ended = true;
                case EVENT_TYPE_SANDBOX_DELETED -> deleted = true;
                case EVENT_TYPE_PROCESS_STARTED -> processes.add(event.getProcessId());
                case EVENT_TYPE_PROCESS_ENDED -> processes.remove(event.getProcessId());
                default -> {}
            }
        }

        boolean isOver() {
            return deleted && processes.isEmpty();
        }
    }

    private final Optional<EventJournal> journal;
    /** Guarded by this object's lock. Those of former agents are not known before one is asked for. */
    private final Map<String, Known> known = new HashMap<>();

    private final Optional<EventCursor> opened;
    /** Held while what former agents have told is read, which takes a while: new sandboxes do not wait for it. */
    private final ReentrantLock learning = new ReentrantLock();

    private volatile boolean complete;
    /** Guarded by this object's lock, as is what follows. Whether it was said that what former agents have told can't be read. */
    private boolean missed;

    /** What is left to do when that can be read after all. */
    private Runnable unsorted = () -> {};

    private volatile Consumer<Event> hearer = _ -> {};

    private Events(Optional<EventJournal> journal) {
        this.journal = journal;
        this.opened = journal.map(EventJournal::end);
    }

    /**
     * Opens what former agents of the same runtime directory have left.
     *
     * @param parent of the journals of all agents
     * @param owner the agent's runtime directory
     * @param bootId another for each boot of the host
     */
    static Events open(Path parent, Path owner, String bootId) {
        return new Events(Optional.of(new EventJournal(
                parent.resolve(Integer.toHexString(owner.toString().hashCode())), bootId, BYTES)));
    }

    /**
     * Has somebody hear what is told from now on, one event at a time, also where it can't be written down.
     *
     * @param listener keeps nobody waiting
     */
    public void hear(Consumer<Event> listener) {
        hearer = listener;
    }

    /** A sandbox has got its name. */
    void created(SandboxView sandbox) {
        Event.Builder event = event(EventType.EVENT_TYPE_SANDBOX_CREATED, sandbox.id(), sandbox.name());
        tell(event.addAllPublishedPorts(sandbox.message().getPublishedPortsList()), true);
    }

    /** A sandbox that was created is being started. */
    void starting(SandboxId id, SandboxName name) {
        learn(id);
        tell(event(EventType.EVENT_TYPE_SANDBOX_STARTING, id, name), true);
    }

    /** A sandbox's process runs. */
    void running(SandboxId id, SandboxName name) {
        learn(id);
        tell(event(EventType.EVENT_TYPE_SANDBOX_RUNNING, id, name), true);
    }

    void paused(SandboxId id, SandboxName name) {
        learn(id);
        tell(event(EventType.EVENT_TYPE_SANDBOX_PAUSED, id, name), true);
    }

    void resumed(SandboxId id, SandboxName name) {
        learn(id);
        tell(event(EventType.EVENT_TYPE_SANDBOX_RESUMED, id, name), true);
    }

    /**
     * A sandbox has got another name, and that is noted where it is to be. Of one that was never found, or is gone by now, it is not told.
     *
     * @param before its former name
     */
    void renamed(SandboxId id, SandboxName before, SandboxName name) {
        learn(id);
        tellName(id, before.value(), name);
    }

    private synchronized void tellName(SandboxId id, String before, SandboxName name) {
        Known one = known.get(id.value());
        tell(
                event(EventType.EVENT_TYPE_SANDBOX_RENAMED, id, name).setOldName(before),
                one != null && !one.deleted && !before.equals(name.value()));
    }

    /** Returns the name that a sandbox was last told of by; empty when nothing was told that is kept. */
    Optional<SandboxName> lastName(SandboxId id) {
        learn(id);
        synchronized (this) {
            return Optional.ofNullable(known.get(id.value())).map(one -> new SandboxName(one.name));
        }
    }

    /**
     * This agent has taken over a sandbox of a former one.
     *
     * @param record of its processes, those that are kept go on; of the others, the end was not seen
     */
    void adopted(SandboxId id, SandboxName name, SandboxRecord record) {
        learn(id);
        takenOver(id, name, record);
    }

    private synchronized void takenOver(SandboxId id, SandboxName name, SandboxRecord record) {
        Known one = of(id, name.value());
        // The former agent died before it could say so.
        tellName(id, one.name, name);
        tell(event(EventType.EVENT_TYPE_SANDBOX_ADOPTED, id, name), true);
        if (one.created && !one.running) {
            // Nor this.
            tell(event(EventType.EVENT_TYPE_SANDBOX_RUNNING, id, name), true);
        }
        for (String process : List.copyOf(one.processes)) {
            if (record.process(process).filter(kept -> !kept.hasEnded()).isEmpty()) {
                tellProcessEnd(
                        id,
                        name,
                        process,
                        end(Optional.of(record), process, "its client was lost with the former agent"));
            }
        }
    }

    /** A sandbox's process has ended, and that is noted where it is to be. Told once. */
    void ended(SandboxId id, SandboxName name, Termination termination) {
        learn(id);
        tellEnd(id, name, termination);
    }

    private void tellEnd(SandboxId id, SandboxName name, Termination termination) {
        end(event(EventType.EVENT_TYPE_SANDBOX_ENDED, id, name).setTermination(shorten(termination)));
    }

    /** A sandbox's process was never started. Told once. */
    void notStarted(SandboxId id, SandboxName name, String reason) {
        learn(id);
        end(event(EventType.EVENT_TYPE_SANDBOX_ENDED, id, name).setReason(shorten(reason)));
    }

    private synchronized void end(Event.Builder event) {
        tell(event, !of(event).ended);
    }

    /** Nothing is left of a sandbox. Told once, and of one that was never found not at all. */
    void deleted(SandboxId id, SandboxName name) {
        learn(id);
        tellDeletion(id, name);
    }

    private synchronized void tellDeletion(SandboxId id, SandboxName name) {
        Known one = known.get(id.value());
        tell(event(EventType.EVENT_TYPE_SANDBOX_DELETED, id, name), one != null && !one.deleted);
    }

    /** A further process runs. Told once. */
    void processStarted(SandboxId id, SandboxName name, String process) {
        learn(id);
        Event.Builder event =
                event(EventType.EVENT_TYPE_PROCESS_STARTED, id, name).setProcessId(process);
        synchronized (this) {
            tell(event, !of(event).processes.contains(process));
        }
    }

    /** A further process has ended, or could not be started. */
    void processEnded(SandboxId id, SandboxName name, String process, Termination termination) {
        learn(id);
        tellProcessEnd(id, name, process, termination);
    }

    private void tellProcessEnd(SandboxId id, SandboxName name, String process, Termination termination) {
        tell(
                event(EventType.EVENT_TYPE_PROCESS_ENDED, id, name)
                        .setProcessId(process)
                        .setTermination(shorten(termination)),
                true);
    }

    /** Nobody minds a further process any more: its end is told if its beginning was. */
    void processGone(SandboxId id, SandboxName name, String process, Termination end) {
        learn(id);
        synchronized (this) {
            if (of(id, name.value()).processes.contains(process)) {
                tellProcessEnd(id, name, process, end);
            }
        }
    }

    /**
     * What former agents have left is sorted out: says of all others of theirs that they are gone.
     *
     * @param living all that live, but for what this agent has made meanwhile
     * @param kept what former agents have kept of sandboxes that live, and of those that have ended
     */
    void goneBut(Set<SandboxId> living, Map<SandboxId, SandboxRecord> kept) {
        learn();
        synchronized (this) {
            sortOut(living, kept);
            if (!complete && journal.isPresent()) {
                unsorted = () -> sortOut(living, kept);
            }
        }
    }

    private synchronized void sortOut(Set<SandboxId> living, Map<SandboxId, SandboxRecord> kept) {
        kept.forEach((id, record) -> {
            // Its events may have been dropped; its end is still to come.
            Known one = known.computeIfAbsent(
                    id.value(), _ -> new Known(record.view().name().value()));
            one.former = true;
            one.ended |= record.hasEnded() && !one.created;
            tellName(id, one.name, record.view().name());
        });
        for (Map.Entry<String, Known> left : Map.copyOf(known).entrySet()) {
            SandboxId id = new SandboxId(left.getKey());
            // What this agent has made tells its end itself.
            if (left.getValue().former && !living.contains(id)) {
                gone(id, left.getValue(), Optional.ofNullable(kept.get(id)));
            }
        }
    }

    private void gone(SandboxId id, Known left, Optional<SandboxRecord> kept) {
        SandboxName name = new SandboxName(left.name);
        String reason = "it was gone when the agent came back";
        List.copyOf(left.processes).forEach(process -> tellProcessEnd(id, name, process, end(kept, process, reason)));
        if (!left.ended) {
            tellEnd(id, name, end(kept, Run.PROCESS_ID, reason));
        }
        if (!left.deleted && kept.isEmpty()) {
            tellDeletion(id, name);
        }
    }

    /** Returns how a process has ended, if that was seen. */
    private static Termination end(Optional<SandboxRecord> kept, String process, String reason) {
        return kept.flatMap(record -> record.process(process))
                .filter(ProcessRecord::hasEnded)
                .map(ended -> ended.process().getTermination())
                .orElseGet(() -> lost(reason));
    }

    static Termination lost(String reason) {
        return Termination.newBuilder()
                .setLost(Lost.newBuilder().setReason(reason))
                .build();
    }

    private static Event.Builder event(EventType type, SandboxId id, SandboxName name) {
        return Event.newBuilder().setType(type).setSandboxId(id.value()).setSandboxName(name.value());
    }

    private static Termination shorten(Termination termination) {
        Termination.Builder shorter = termination.toBuilder();
        if (termination.hasLost()) {
            shorter.setLost(
                    Lost.newBuilder().setReason(shorten(termination.getLost().getReason())));
        }
        if (termination.hasSpawnError()) {
            shorter.setSpawnError(termination.getSpawnError().toBuilder()
                    .setMessage(shorten(termination.getSpawnError().getMessage())));
        }
        return shorter.build();
    }

    private static String shorten(String text) {
        return text.codePointCount(0, text.length()) <= MAX_TEXT
                ? text
                : text.substring(0, text.offsetByCodePoints(0, MAX_TEXT));
    }

    private synchronized void tell(Event.Builder builder, boolean news) {
        if (journal.isEmpty() || !news) {
            return;
        }
        Event event = builder.setTime(now()).build();
        journal.get().append(event);
        note(event, known);
        hearer.accept(event);
    }

    private static Timestamp now() {
        Instant now = Instant.now();
        return Timestamp.newBuilder()
                .setSeconds(now.getEpochSecond())
                .setNanos(now.getNano())
                .build();
    }

    private static void note(Event event, Map<String, Known> known) {
        if (event.getType() == EventType.EVENT_TYPE_PROCESS_ENDED && !known.containsKey(event.getSandboxId())) {
            return;
        }
        Known one = known.computeIfAbsent(event.getSandboxId(), id -> new Known(event.getSandboxName()));
        one.note(event);
        if (one.isOver()) {
            known.remove(event.getSandboxId());
        }
    }

    private Known of(org.barchan.v1.EventOrBuilder event) {
        return of(new SandboxId(event.getSandboxId()), event.getSandboxName());
    }

    private Known of(SandboxId id, String name) {
        Known one = known.get(id.value());
        return one == null ? new Known(name) : one;
    }

    /** Sees to it that what former agents have told of a sandbox is known, unless this one has made it. Not for who holds the lock. */
    private void learn(SandboxId id) {
        synchronized (this) {
            if (known.containsKey(id.value())) {
                return;
            }
        }
        learn();
    }

    private void learn() {
        if (complete || journal.isEmpty()) {
            return;
        }
        learning.lock();
        try {
            if (!complete) {
                learn(journal.get());
            }
        } catch (InterruptedException e) {
            // Whoever comes next reads it.
            Thread.currentThread().interrupt();
        } catch (SandboxException | RuntimeException e) {
            // Whoever comes next tries again.
            LOG.error("what former agents have told can't be read: {}", e.toString());
            miss(journal.get());
        } finally {
            learning.unlock();
        }
    }

    private synchronized void miss(EventJournal events) {
        if (!missed) {
            missed = true;
            events.append(EventJournal.lost(now()));
        }
    }

    private void learn(EventJournal events) throws SandboxException, InterruptedException {
        Map<String, Known> former = new HashMap<>();
        try (EventJournal.Reader reader = events.reader(events.oldest())) {
            read(reader, opened.orElseThrow().next(), former);
            former.values().forEach(one -> one.former = true);
            // Where it could not be read before, this agent has told something of them, too.
            read(reader, events.end().next(), former);
            synchronized (this) {
                read(reader, Long.MAX_VALUE, former);
                former.values().removeIf(one -> !one.former);
                known.putAll(former);
                complete = true;
                unsorted.run();
                unsorted = () -> {};
            }
        }
    }

    private static void read(EventJournal.Reader reader, long end, Map<String, Known> former)
            throws SandboxException, InterruptedException {
        while (reader.position() < end) {
            Optional<EventJournal.Entry> next = reader.next(Duration.ZERO);
            if (next.isEmpty()) {
                return;
            }
            Event event = next.get().event();
            if (!event.getSandboxId().isEmpty()) {
                note(event, former);
            }
        }
    }

    /** Takes what a watcher gets. */
    public interface Taker {
        /** @param incomplete whether some that were asked for are not kept any more */
        void position(EventCursor cursor, boolean incomplete) throws IOException, InterruptedException;

        void event(Event event, EventCursor behind) throws IOException, InterruptedException;
    }

    /**
     * Gives a watcher what it wants, at its own pace. Returns when there is no more.
     *
     * @throws SandboxException {@code OUT_OF_RANGE} when what comes next is not kept any more; {@code UNAVAILABLE} when the agent is stopping
     * @throws IOException what the taker throws
     */
    public void watch(EventOrder order, Taker taker) throws SandboxException, InterruptedException, IOException {
        EventJournal events = journal.orElseThrow();
        EventCursor end = events.end();
        EventCursor start = switch (order.start()) {
            case EventOrder.Anywhere() -> order.follow() ? end : events.oldest();
            case EventOrder.Behind(EventCursor cursor) -> cursor;
            case EventOrder.Since _ -> events.oldest();
        };
        Instant since = order.start() instanceof EventOrder.Since(Instant time) ? time : Instant.MIN;
        try (EventJournal.Reader reader = events.reader(start)) {
            Optional<EventJournal.Entry> next = reader.next(Duration.ZERO);
            taker.position(
                    start,
                    order.start() instanceof EventOrder.Since
                            && start.next() > 0
                            && next.filter(first ->
                                            EventJournal.time(first.event()).isBefore(since))
                                    .isEmpty());
            watch(order, reader, next, since, end, taker);
        }
    }

    private static void watch(
            EventOrder order,
            EventJournal.Reader reader,
            Optional<EventJournal.Entry> first,
            Instant since,
            EventCursor end,
            Taker taker)
            throws SandboxException, InterruptedException, IOException {
        Optional<EventJournal.Entry> next = first;
        Instant from = since;
        int passed = 0;
        while (true) {
            if (next.isEmpty()) {
                Duration left = order.until()
                        .map(until -> Duration.between(Instant.now(), until))
                        .orElse(LONG);
                if (!order.follow() || left.isNegative() || left.isZero()) {
                    return;
                }
                next = reader.next(left.compareTo(LONG) < 0 ? left : LONG);
                continue;
            }
            Event event = next.get().event();
            EventCursor behind = next.get().behind();
            Instant time = EventJournal.time(event);
            if ((!order.follow() && behind.next() > end.next())
                    || order.until().filter(until -> !time.isBefore(until)).isPresent()) {
                return;
            }
            // What is damaged has no time.
            if ((!event.hasTime() || !time.isBefore(from)) && order.wants(event)) {
                taker.event(event, behind);
                passed = 0;
            } else if (++passed % PASSED == 0) {
                taker.position(behind, false);
            }
            if (!time.isBefore(from)) {
                // The clock may go back.
                from = Instant.MIN;
            }
            next = reader.next(Duration.ZERO);
        }
    }

    /** Tells nothing more; who waits for more is told that the agent is stopping. */
    @Override
    public void close() {
        journal.ifPresent(EventJournal::close);
    }
}
