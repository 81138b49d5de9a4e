package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds sandboxes, once what a former agent left is sorted out. Safe for use by many threads. */
final class SandboxLookup {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxLookup.class);
    /** How long to wait for what a former agent left to be sorted out, and for an answer from it. */
    private static final Duration RECONCILE = Duration.ofSeconds(10);

    private final Registry registry;
    private final SandboxRecords records;
    private final CompletableFuture<Void> reconciled;

    /** @param reconciled completes when what a former agent left is sorted out */
    SandboxLookup(Registry registry, SandboxRecords records, CompletableFuture<Void> reconciled) {
        this.registry = registry;
        this.records = records;
        this.reconciled = reconciled;
    }

    /**
     * Returns a live sandbox.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it has ended and is kept, or was not started
     */
    Sandbox find(String idOrName) throws SandboxException, InterruptedException {
        Optional<Sandbox> live = findLive(idOrName);
        if (live.isPresent()) {
            return live.get();
        }
        SandboxRecord ended = findEnded(idOrName);
        throw new SandboxException(
                SandboxException.Code.PRECONDITION,
                "sandbox " + ended.view().id() + " has ended; nothing runs in it any more");
    }

    Optional<Sandbox> findLive(String idOrName) throws InterruptedException {
        awaitReconciled();
        return registry.find(idOrName);
    }

    /**
     * Returns what is kept of one that is to be started, or has ended.
     *
     * @throws SandboxException {@code NOT_FOUND}
     */
    SandboxRecord findKept(String idOrName) throws SandboxException {
        Optional<SandboxRecord> created = records.findCreated(idOrName);
        return created.isPresent() ? created.get() : findEnded(idOrName);
    }

    /**
     * Returns what is kept of one that has ended.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it was not started
     */
    SandboxRecord findEnded(String idOrName) throws SandboxException {
        Optional<SandboxRecord> created = records.findCreated(idOrName);
        if (created.isPresent()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "sandbox " + created.get().view().id() + " was not started (barchan start)");
        }
        return records.findEnded(idOrName).orElseThrow(() -> notFound(idOrName));
    }

    private static SandboxException notFound(String idOrName) {
        return new SandboxException(
                SandboxException.Code.NOT_FOUND,
                "no sandbox of the id or name '" + Printable.line(idOrName) + "' lives here");
    }

    void awaitReconciled() throws InterruptedException {
        try {
            reconciled.get(RECONCILE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.warn("what a former agent left is not sorted out yet");
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
    }
}
