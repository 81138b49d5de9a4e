package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.Termination;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sees to it that an order to run something that comes again makes no second sandbox. Safe for use by many threads. */
final class RunRequests {
    private static final Logger LOG = LoggerFactory.getLogger(RunRequests.class);

    /** No sandbox takes longer to start, or to be taken down. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final SandboxLookup lookup;
    private final SandboxRecords records;
    private final Processes processes;
    /** What is being begun just now, by id: it can't be joined yet. */
    private final Map<String, CompletableFuture<Void>> beginning = new ConcurrentHashMap<>();

    RunRequests(SandboxLookup lookup, SandboxRecords records, Processes processes) {
        this.lookup = lookup;
        this.records = records;
        this.processes = processes;
    }

    /** Begins what was ordered. */
    interface Begin {
        Run begin() throws SandboxException;
    }

    /**
     * Begins what was ordered, or joins its process from the first byte on if it was begun before.
     *
     * @throws SandboxException {@code ALREADY_EXISTS} when something else was ordered under the id; {@code PRECONDITION} when nobody can tell now
     *     what has become of it; what {@code begin} throws
     */
    ProcessControl once(RunOrder.Request request, boolean detach, RunObserver client, Begin begin)
            throws SandboxException, InterruptedException {
        while (true) {
            CompletableFuture<Void> mine = new CompletableFuture<>();
            CompletableFuture<Void> others = beginning.putIfAbsent(request.id(), mine);
            if (others != null) {
                await(others, request);
                continue;
            }
            CompletableFuture<Void> begun = CompletableFuture.completedFuture(null);
            Optional<SandboxRecord> known;
            try {
                known = records.findRequest(request.id());
                if (known.isEmpty()) {
                    Run run = begin.begin();
                    begun = run.begun();
                    return run;
                }
            } finally {
                var _ = begun.thenRun(() -> {
                    beginning.remove(request.id(), mine);
                    mine.complete(null);
                });
            }
            Optional<ProcessControl> joined = join(known.get(), request, detach, client);
            if (joined.isPresent()) {
                return joined.get();
            }
        }
    }

    /** Returns nothing where it never began, and nothing is left of it. */
    private Optional<ProcessControl> join(
            SandboxRecord record, RunOrder.Request request, boolean detach, RunObserver client)
            throws SandboxException, InterruptedException {
        SandboxId id = record.view().id();
        if (!record.own().digest().equals(request.digest())) {
            throw new SandboxException(
                    SandboxException.Code.ALREADY_EXISTS,
                    "running what was asked for as the request " + request.id() + ": something else was, by which " + id
                            + " was made. Choose another id, or none");
        }
        if (!record.own().isReadable()) {
            throw unknown(request, null);
        }
        Optional<Sandbox> live = lookup.findLive(id.value());
        if (live.isPresent()) {
            // It may be taken over just now.
            await(live.get().begun(), request);
            if (!live.get().isRunning() && !hasBegun(record)) {
                await(live.get().gone(), request);
                live = Optional.empty();
            }
        }
        if (live.isPresent() || hasBegun(record)) {
            LOG.info("{}: the request {} came again", id, request.id());
            return Optional.of(processes.join(live, record, detach, client));
        }
        if (record.isCreated()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "running what was asked for as the request " + request.id() + ": " + id
                            + " was created for it, and not started (barchan start)");
        }
        if (records.isUnfinished(id)) {
            // Its machine may run on: nobody has looked, or this agent is stopping.
            throw unknown(request, null);
        }
        records.delete(id);
        return Optional.empty();
    }

    /** Whether its process was started, or it is known why it could not be. */
    private static boolean hasBegun(SandboxRecord record) {
        Termination termination = record.own().process().getTermination();
        return record.log().isStarted()
                || termination.hasExitCode()
                || termination.hasSignal()
                || termination.hasSpawnError();
    }

    private static void await(Future<Void> event, RunOrder.Request request)
            throws SandboxException, InterruptedException {
        try {
            event.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw unknown(request, e);
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
    }

    private static SandboxException unknown(RunOrder.Request request, @Nullable Throwable cause) {
        return new SandboxException(
                SandboxException.Code.PRECONDITION,
                "running what was asked for as the request " + request.id()
                        + ": it was asked for before, and what has become of it is not known yet. Try again",
                cause);
    }
}
