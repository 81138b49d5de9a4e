package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.state.v1.KeptOrder;
import org.barchan.state.v1.KeptProcess;
import org.barchan.v1.Sandbox;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is kept of sandboxes that outlive their clients: a directory for each, {@code ID/}, with the runtime directory of the agent that minds
 * it, the sandbox, what was ordered if it was not started yet, what is kept of its process, and a directory {@code processes/ID/} for each further process. Agents with another runtime
 * directory leave it alone. Safe for use by many threads.
 */
final class SandboxRecords {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxRecords.class);
    private static final String OWNER = "owner";
    private static final String SANDBOX = "sandbox";
    private static final String PROCESSES = "processes";
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /** Of how many further processes of a sandbox that have ended something is kept. */
    private static final int MAX_ENDED_PROCESSES = 100;

    private final Path parent;
    private final Path owner;
    private final int maxEnded;
    private final Events events;
    private final Map<SandboxId, SandboxRecord> records = new ConcurrentHashMap<>();
    /** Left by former agents, and not known to have ended, or to be deleted. */
    private final Set<SandboxId> unfinished = ConcurrentHashMap.newKeySet();

    private volatile Set<SandboxId> loaded = Set.of();

    /**
     * @param parent made when it is not there, mode 0700
     * @param owner the agent's runtime directory
     * @param maxEnded of how many sandboxes that have ended something is kept
     * @param events told what is found to have ended, and what is deleted
     */
    SandboxRecords(Path parent, Path owner, int maxEnded, Events events) {
        this.events = events;
        this.parent = parent;
        this.owner = owner;
        this.maxEnded = maxEnded;
    }

    private Path of(SandboxId id) {
        return parent.resolve(id.value());
    }

    /** Makes one for a sandbox that is to be made. */
    SandboxRecord create(SandboxView view, RunOrder.Kept kept) throws SandboxException {
        return create(view, kept, Optional.empty());
    }

    /**
     * Makes one for a sandbox that is to be made.
     *
     * @param pending what is ordered, where it is not to be done yet
     */
    SandboxRecord create(SandboxView view, RunOrder.Kept kept, Optional<KeptOrder> pending) throws SandboxException {
        Path directory = of(view.id());
        Path whole = parent.resolve(unfinishedPrefix() + view.id().value());
        try {
            Files.createDirectories(parent, PRIVATE);
            Files.createDirectory(whole, PRIVATE);
            ProcessRecord.create(
                    whole,
                    ProcessRecord.describe(
                                    view.process().toBuilder()
                                            .setProcessId(Run.PROCESS_ID)
                                            .build(),
                                    kept.limit(),
                                    kept.request().map(RunOrder.Request::digest).orElse(ByteString.EMPTY),
                                    kept.deleteWhenEnded())
                            .toBuilder()
                            .setRequestId(
                                    kept.request().map(RunOrder.Request::id).orElse(""))
                            .build());
            write(whole.resolve(OWNER), owner.toString());
            if (pending.isPresent()) {
                PendingOrder.write(whole, pending.get());
            }
            ProcessLog.sync(whole);
            Files.move(whole, directory, StandardCopyOption.ATOMIC_MOVE);
            ProcessRecord own = ProcessRecord.load(directory);
            var _ = own.log();
            SandboxRecord record = new SandboxRecord(view, own, PendingOrder.find(directory));
            write(record);
            ProcessLog.sync(parent);
            records.put(view.id(), record);
            return record;
        } catch (IOException | UncheckedIOException e) {
            remove(whole);
            remove(directory);
            throw noRoom(directory, e);
        }
    }

    private static SandboxException noRoom(Path directory, Exception e) {
        String reason = e instanceof IOException io ? RuntimeDirectories.describe(io) : String.valueOf(e.getMessage());
        return new SandboxException(
                SandboxException.Code.EXHAUSTED,
                "creating " + directory + ", where what the process writes is kept: "
                        + reason
                        + ". Make room or give the agent's user the right to write there",
                e);
    }

    /**
     * Makes one for a further process that is to be started.
     *
     * @return the one of its id, if there is one: then nothing was made
     */
    Optional<ProcessRecord> addProcess(SandboxRecord sandbox, KeptProcess kept) throws SandboxException {
        Path processes = of(sandbox.view().id()).resolve(PROCESSES);
        String id = kept.getProcess().getProcessId();
        // Another each time: somebody may still read one of the same id that was deleted.
        Path directory = processes.resolve(id + "." + SandboxId.random().value());
        // One at a time: two clients may order the same.
        synchronized (sandbox) {
            if (records.get(sandbox.view().id()) != sandbox) {
                throw new SandboxException(
                        SandboxException.Code.NOT_FOUND,
                        "sandbox " + sandbox.view().id() + " was deleted");
            }
            Optional<ProcessRecord> there = sandbox.process(id);
            if (there.isPresent()) {
                return there;
            }
            Path whole = processes.resolve(".new-" + id);
            try {
                Files.createDirectories(processes, PRIVATE);
                remove(whole);
                Files.createDirectory(whole, PRIVATE);
                ProcessRecord.create(whole, kept);
                ProcessLog.sync(whole);
                Files.move(whole, directory, StandardCopyOption.ATOMIC_MOVE);
                ProcessLog.sync(processes);
                ProcessRecord made = ProcessRecord.load(directory);
                var _ = made.log();
                return sandbox.add(made);
            } catch (IOException | UncheckedIOException e) {
                remove(whole);
                remove(directory);
                throw noRoom(directory, e);
            }
        }
    }

    /** The end of a further process is in its log: deletes it if it is to be, or the oldest when there are too many. */
    void processEnded(SandboxRecord sandbox, ProcessRecord process) {
        if (process.deleteWhenEnded()) {
            deleteProcess(sandbox, process);
            return;
        }
        process.noteEnd();
        List<ProcessRecord> over =
                sandbox.others().stream().filter(ProcessRecord::hasEnded).toList();
        over.stream().limit(Math.max(0, over.size() - MAX_ENDED_PROCESSES)).forEach(old -> deleteProcess(sandbox, old));
    }

    /** Removes a further process, once nobody reads its log any more; it is not found from now on. */
    void deleteProcess(SandboxRecord sandbox, ProcessRecord process) {
        sandbox.remove(process);
        try {
            // Who comes later does not find it, whoever reads its log still.
            process.forget();
            process.whenUnread(() -> remove(process.directory()));
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("{}: deleting what is kept of it: {}", process.directory(), e.toString());
            remove(process.directory());
        }
    }

    /** What is left of those that were never made whole begins with this. */
    private String unfinishedPrefix() {
        return ".new-" + Integer.toHexString(owner.hashCode()) + "-";
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SYNC);
    }

    private void write(SandboxRecord record) throws IOException {
        // One at a time: whoever renames it is another thread than the one that minds it.
        synchronized (record) {
            Sandbox sandbox = record.message();
            ProcessRecord.replace(parent.resolve(sandbox.getId()).resolve(SANDBOX), sandbox.toByteArray());
        }
    }

    /**
     * Gives a sandbox another name, for agents that come later, too.
     *
     * @throws SandboxException {@code NOT_FOUND} when it was deleted; {@code EXHAUSTED} when it can't be noted: it has the old name then
     */
    void rename(SandboxRecord record, SandboxName name) throws SandboxException {
        SandboxId id = record.view().id();
        synchronized (record) {
            if (records.get(id) != record) {
                throw new SandboxException(SandboxException.Code.NOT_FOUND, "sandbox " + id + " was deleted");
            }
            SandboxName before = record.view().name();
            record.rename(name);
            try {
                write(record);
            } catch (IOException e) {
                record.rename(before);
                throw new SandboxException(
                        SandboxException.Code.EXHAUSTED,
                        "renaming " + id + ": writing to " + of(id) + ": " + RuntimeDirectories.describe(e)
                                + ". Make room or give the agent's user the right to write there",
                        e);
            }
        }
    }

    /** Notes what a sandbox is by now. */
    void update(SandboxView view) {
        SandboxRecord record = records.get(view.id());
        if (record != null) {
            record.update(view);
            rewrite(record);
        }
    }

    private void rewrite(SandboxRecord record) {
        SandboxId id = record.view().id();
        synchronized (record) {
            // Nothing is to come back to a directory that is being removed.
            if (records.get(id) == record) {
                try {
                    write(record);
                } catch (IOException e) {
                    // It says what it said before; of the end, the log knows.
                    LOG.warn("{}: noting what it is: {}", id, e.toString());
                }
            }
        }
    }

    /** Has one that was created, and whose process was not started, wait to be started again; returns whether it is one. */
    private boolean giveBack(SandboxRecord record) {
        synchronized (record) {
            if (records.get(record.view().id()) != record || !record.giveBack()) {
                return false;
            }
            rewrite(record);
            return true;
        }
    }

    /** Reads what former agents of this runtime directory have left. */
    void load() {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(parent)) {
            for (Path directory : directories) {
                load(directory);
            }
        } catch (NoSuchFileException e) {
            // There never was one.
        } catch (IOException e) {
            LOG.error("what is kept of sandboxes can't be read: {}", e.toString());
        }
        loaded = Set.copyOf(records.keySet());
    }

    private void load(Path directory) {
        String name = String.valueOf(directory.getFileName());
        if (name.startsWith(unfinishedPrefix())) {
            remove(directory);
            return;
        }
        if (name.startsWith(".")) {
            return;
        }
        try {
            SandboxId id = new SandboxId(name);
            if (!Files.exists(directory.resolve(OWNER))) {
                // Half of it was removed before the agent died.
                remove(directory);
                return;
            }
            if (!Files.readString(directory.resolve(OWNER)).equals(owner.toString())) {
                return;
            }
            if (!Files.exists(directory.resolve(SANDBOX))) {
                LOG.info("{}: it was never made: removing what is left", directory);
                remove(directory);
                return;
            }
            Sandbox sandbox = Sandbox.parseFrom(Files.readAllBytes(directory.resolve(SANDBOX)));
            ProcessRecord own = ProcessRecord.load(directory);
            if (sandbox.hasTermination()) {
                own.knownToHaveEnded(sandbox.getTermination(), sandbox.getEndTime());
            }
            Optional<PendingOrder> pending = PendingOrder.find(directory);
            SandboxRecord record = new SandboxRecord(SandboxView.of(sandbox), own, pending);
            if (pending.isPresent()
                    && (sandbox.hasTermination()
                            || (own.isReadable() && own.log().isStarted()))) {
                // The former agent died before it could note that.
                record.begun();
            }
            boolean over = loadProcesses(directory.resolve(PROCESSES), record);
            boolean waits = record.pending().filter(order -> !order.isTaken()).isPresent();
            if (!waits && (!sandbox.hasTermination() || sandbox.getDeleteWhenEnded() || !over)) {
                unfinished.add(id);
            }
            records.put(id, record);
        } catch (IOException | RuntimeException e) {
            // No reason to serve nobody.
            LOG.error("{}: what is kept of a sandbox can't be read: {}", directory, e.toString());
        }
    }

    /** Returns whether all of them are known to have ended. */
    private static boolean loadProcesses(Path processes, SandboxRecord sandbox) throws IOException {
        boolean over = true;
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(processes)) {
            for (Path directory : directories) {
                Optional<ProcessRecord> process = loadProcess(directory);
                process.ifPresent(found -> {
                    var _ = sandbox.add(found);
                });
                over &= process.map(found -> found.termination().isDone()).orElse(true);
            }
        } catch (NoSuchFileException e) {
            // It never had others.
        }
        return over;
    }

    /** Returns the one of a directory, if there is one that can be read: no other is to be lost with it. */
    private static Optional<ProcessRecord> loadProcess(Path directory) {
        if (directory.getFileName().toString().startsWith(".")) {
            remove(directory);
            return Optional.empty();
        }
        try {
            return Optional.of(ProcessRecord.load(directory));
        } catch (NoSuchFileException e) {
            // It was deleted, and somebody read it still, or the agent died meanwhile.
            remove(directory);
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: what is kept of a process can't be read: {}", directory, e.toString());
            return Optional.empty();
        }
    }

    /** Says of those that former agents have left and that do not live that their end was not seen, if it was not. */
    void endLost(Set<SandboxId> living) {
        unfinished.stream().filter(id -> !living.contains(id)).forEach(this::endLost);
    }

    /** Says of one that a former agent has left, and whose machine is gone, that its end was not seen, if it was not. */
    void endLost(SandboxId id) {
        SandboxRecord record = records.get(id);
        if (record == null || !unfinished.contains(id)) {
            return;
        }
        if (giveBack(record)) {
            LOG.info("{}: the former agent died before it had started its process: it can be started again", id);
            unfinished.remove(id);
            return;
        }
        try {
            if (!record.own().hasEnded()) {
                LOG.info("{}: it is gone: its end was not seen", id);
            }
            String reason = "the virtual machine had ended when the agent came back";
            if (!record.own().endLost(reason)) {
                return;
            }
            for (ProcessRecord process : record.others()) {
                endLost(record, process, reason);
            }
            events.ended(id, record.view().name(), record.own().process().getTermination());
            ended(id);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (UncheckedIOException e) {
            LOG.error("{}: its log can't be opened: {}", id, e.toString());
        }
    }

    /** Says of a further process that its end was not seen, if it was not. */
    void endLost(SandboxRecord sandbox, ProcessRecord process, String reason) throws InterruptedException {
        try {
            if (!process.termination().isDone() && process.endLost(reason)) {
                Termination end = process.process().getTermination();
                events.processGone(sandbox.view().id(), sandbox.view().name(), process.id(), end);
                var _ = process.termination().complete(end);
                processEnded(sandbox, process);
            }
        } catch (UncheckedIOException e) {
            // No reason to lose the sandbox, or another one's end.
            LOG.error("{}: its log can't be opened: {}", process.directory(), e.toString());
            var _ = process.termination()
                    .completeExceptionally(new SandboxException(
                            SandboxException.Code.INTERNAL, "what is kept of " + process.id() + " can't be read", e));
        }
    }

    /** Whether there is something of it on disk, readable or not. */
    boolean isThere(SandboxId id) {
        return Files.exists(of(id));
    }

    /** Returns those that former agents have left and that are still there, also those of sandboxes that live. */
    Map<SandboxId, SandboxRecord> former() {
        Map<SandboxId, SandboxRecord> former = new HashMap<>(records);
        former.keySet().retainAll(loaded);
        return former;
    }

    /** Whether a former agent has left it, and what has become of it is not known yet. */
    boolean isUnfinished(SandboxId id) {
        return unfinished.contains(id);
    }

    /** Returns the one that was made by an order of this id. */
    Optional<SandboxRecord> findRequest(String requestId) {
        return records.values().stream()
                .filter(record -> record.own().requestId().equals(requestId))
                .findFirst();
    }

    Optional<SandboxRecord> find(SandboxId id) {
        return Optional.ofNullable(records.get(id));
    }

    /** Returns the one that has ended of an id, or of a name, where the last counts. */
    Optional<SandboxRecord> findEnded(String idOrName) {
        return ended().filter(record -> record.view().id().value().equals(idOrName)
                        || record.view().name().value().equals(idOrName))
                .max(Comparator.comparing(record -> record.view().createTime()));
    }

    /** Returns those that have ended. */
    Stream<SandboxRecord> ended() {
        return records.values().stream().filter(SandboxRecord::hasEnded);
    }

    /** Returns the one that is to be started of an id or a name. */
    Optional<SandboxRecord> findCreated(String idOrName) {
        return created()
                .filter(record -> record.view().id().value().equals(idOrName)
                        || record.view().name().value().equals(idOrName))
                .findFirst();
    }

    /** Returns those that are to be started, or are being started just now: their names are theirs. */
    Stream<SandboxRecord> created() {
        return records.values().stream().filter(SandboxRecord::isCreated);
    }

    /** Its end is in its log: deletes it if it is to be, or the oldest when there are too many. */
    void ended(SandboxId id) {
        unfinished.remove(id);
        SandboxRecord record = records.get(id);
        if (record == null) {
            return;
        }
        record.begun();
        if (record.deleteWhenEnded()) {
            delete(id);
            return;
        }
        rewrite(record);
        List<SandboxView> kept =
                new ArrayList<>(ended().map(SandboxRecord::view).toList());
        kept.sort(Comparator.comparing(SandboxView::createTime));
        kept.stream().limit(Math.max(0, kept.size() - maxEnded)).forEach(view -> delete(view.id()));
    }

    /** Returns what notes what becomes of a sandbox beside the log of its process. */
    LogObserver.Keeper keeper(SandboxId id) {
        return new LogObserver.Keeper() {
            @Override
            public void changed(SandboxView sandbox) {
                update(sandbox);
                if (sandbox.phase() == SandboxView.Phase.RUNNING) {
                    find(id).ifPresent(SandboxRecord::begun);
                }
            }

            @Override
            public void ended() {
                SandboxRecords.this.ended(id);
            }

            @Override
            public void failed() {
                if (find(id).filter(SandboxRecords.this::giveBack).isEmpty()) {
                    delete(id);
                }
            }
        };
    }

    /** Returns what notes what becomes of a further process beside its log. */
    LogObserver.Keeper keeper(SandboxRecord sandbox, ProcessRecord process) {
        return new LogObserver.Keeper() {
            @Override
            public void ended() {
                processEnded(sandbox, process);
            }

            @Override
            public void failed() {
                deleteProcess(sandbox, process);
            }
        };
    }

    /** Removes one, once nobody reads its log any more; it is not found from now on. */
    void delete(SandboxId id) {
        SandboxRecord record = records.get(id);
        if (record != null) {
            // No process is added any more.
            synchronized (record) {
                if (!records.remove(id, record)) {
                    return;
                }
            }
            var _ = record.gone().thenRun(() -> events.deleted(id, record.view().name()));
            try {
                // What is left is known to be nothing, should the agent die before the last reader has gone.
                Files.deleteIfExists(of(id).resolve(SANDBOX));
                record.pending().ifPresent(PendingOrder::remove);
                List<ProcessRecord> all = new ArrayList<>(record.others());
                all.add(record.own());
                AtomicInteger read = new AtomicInteger(all.size());
                all.forEach(process -> process.whenUnread(() -> {
                    if (read.decrementAndGet() == 0) {
                        remove(of(id));
                    }
                }));
            } catch (IOException | UncheckedIOException e) {
                LOG.warn("{}: deleting what is kept of it: {}", id, e.toString());
                remove(of(id));
            }
        }
    }

    private static void remove(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            // The owner's name goes last but for the directory: half of it is still known to be this agent's.
            List<Path> all = new ArrayList<>(files.sorted(Comparator.comparing((Path file) -> file.endsWith(OWNER))
                            .thenComparing(Comparator.reverseOrder()))
                    .toList());
            all.remove(directory);
            for (Path file : all) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(directory);
        } catch (NoSuchFileException e) {
            // It was never made.
        } catch (IOException e) {
            LOG.warn("{}: can't be removed: {}", directory, e.toString());
        }
    }
}
