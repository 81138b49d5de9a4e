package org.barchan.host.lifecycle;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Sandbox;
import org.barchan.v1.SandboxProcess;

/** What is kept of a sandbox on disk: who it is, and its processes. Safe for use by many threads. */
final class SandboxRecord {
    private final ProcessRecord own;
    private final Map<String, ProcessRecord> others = new ConcurrentHashMap<>();
    private volatile SandboxView view;
    private volatile CompletableFuture<Void> gone = CompletableFuture.completedFuture(null);
    private volatile Optional<PendingOrder> pending;

    SandboxRecord(SandboxView view, ProcessRecord own) {
        this(view, own, Optional.empty());
    }

    /**
     * @param view the sandbox as it was when it lived, or with its end
     * @param own what is kept of the process that it was made for
     * @param pending what was ordered, of one that is to be started
     */
    SandboxRecord(SandboxView view, ProcessRecord own, Optional<PendingOrder> pending) {
        this.view = view;
        this.own = own;
        this.pending = pending;
    }

    /** Returns what was ordered, until its process has been started. */
    Optional<PendingOrder> pending() {
        return pending;
    }

    /** Whether it is to be started, or is being started just now. */
    boolean isCreated() {
        return pending.isPresent();
    }

    /** Its process has been started: it is as if that had been ordered at once. */
    void begun() {
        Optional<PendingOrder> done = pending;
        pending = Optional.empty();
        done.ifPresent(PendingOrder::remove);
    }

    /**
     * Its process was not started, and nothing is left of it but this.
     *
     * @return whether it is to be started again
     */
    boolean giveBack() {
        Optional<PendingOrder> again = pending;
        if (again.isPresent()) {
            gone = CompletableFuture.completedFuture(null);
            again.get().giveBack();
        }
        return again.isPresent();
    }

    /** Of the process that it was made for. */
    ProcessLog log() {
        return own.log();
    }

    ProcessRecord own() {
        return own;
    }

    /** Returns what is kept of a process of it. */
    Optional<ProcessRecord> process(String id) {
        return id.equals(Run.PROCESS_ID) ? Optional.of(own) : Optional.ofNullable(others.get(id));
    }

    /** Returns what is kept of the process that the guest calls so. */
    Optional<ProcessRecord> processOfGuest(String guestId) {
        return process(ProcessRecord.idOf(guestId))
                .filter(process -> process.guestId().equals(guestId));
    }

    /** Waits a moment for the ends of further processes to be noted, which end with the sandbox. */
    void awaitOthers(Duration patience) throws InterruptedException {
        try {
            CompletableFuture.allOf(
                            others().stream().map(ProcessRecord::termination).toArray(CompletableFuture[]::new))
                    .get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // Whoever waits for them is told that they are gone.
        }
    }

    /**
     * Adds a further process, unless there is one of its id.
     *
     * @return the one that was there
     */
    Optional<ProcessRecord> add(ProcessRecord process) {
        return Optional.ofNullable(others.putIfAbsent(process.id(), process));
    }

    /** Its sandbox lives: nothing is left of it when that is gone. */
    void minded(CompletableFuture<Void> until) {
        gone = until;
    }

    /** Completes when nothing is left of it but this. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    void remove(ProcessRecord process) {
        var _ = others.remove(process.id(), process);
    }

    /** Returns its further processes, the oldest first. */
    List<ProcessRecord> others() {
        return others.values().stream()
                .sorted(Comparator.comparing(other -> time(other.process().getCreateTime())))
                .toList();
    }

    /** The agent lets go of it. */
    void release() {
        own.release();
        others.values().forEach(ProcessRecord::release);
    }

    boolean deleteWhenEnded() {
        return own.deleteWhenEnded();
    }

    boolean hasEnded() {
        return view().end().isPresent();
    }

    /** Notes what the sandbox is by now; its name is changed by {@link #rename} alone. */
    synchronized void update(SandboxView now) {
        view = now.named(view.name());
    }

    synchronized void rename(SandboxName name) {
        view = view.named(name);
    }

    /** Returns the sandbox, with its end if that is known. */
    SandboxView view() {
        SandboxView known = view;
        if (known.end().isPresent()) {
            return known;
        }
        if (isCreated()) {
            return known.created();
        }
        SandboxProcess process = own.process();
        return process.hasTermination() ? known.ended(process.getTermination(), time(process.getEndTime())) : known;
    }

    /** Returns it as it is on disk. */
    Sandbox message() {
        return view().message().toBuilder()
                .setDeleteWhenEnded(deleteWhenEnded())
                .build();
    }

    static Instant time(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }
}
