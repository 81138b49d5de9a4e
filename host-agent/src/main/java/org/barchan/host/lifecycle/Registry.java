package org.barchan.host.lifecycle;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/** The live sandboxes. Safe for use by many threads. */
final class Registry {
    private final Map<SandboxId, Sandbox> live = new LinkedHashMap<>();
    private final Events events;
    private final SandboxRecords records;
    private boolean closed;
    /** That of a sandbox which is being renamed: it may get it back. */
    private Optional<SandboxName> held = Optional.empty();

    /** @param records in which those stand that are to be started, and have their names already */
    Registry(Events events, SandboxRecords records) {
        this.events = events;
        this.records = records;
    }

    /**
     * Adds a sandbox unless its name is taken by another.
     *
     * @return completed when it was added; else completes when the sandbox of that name, which is being taken down, is gone: then try again
     * @throws SandboxException {@code ALREADY_EXISTS}, {@code UNAVAILABLE}
     */
    synchronized CompletableFuture<Void> reserve(Sandbox sandbox) throws SandboxException {
        if (closed) {
            throw new SandboxException(SandboxException.Code.UNAVAILABLE, "the agent is stopping");
        }
        if (held.equals(Optional.of(sandbox.name()))) {
            throw new SandboxException(
                    SandboxException.Code.ALREADY_EXISTS,
                    "creating sandbox '" + sandbox.name()
                            + "': a live sandbox of that name is just being renamed. Try again");
        }
        for (Sandbox other : live.values()) {
            if (other != sandbox && other.name().equals(sandbox.name())) {
                if (other.isStopping()) {
                    return other.gone();
                }
                throw taken("creating sandbox '" + sandbox.name() + "'", "the live sandbox " + other.id());
            }
        }
        checkNotCreated(sandbox.id(), sandbox.name(), "creating sandbox '" + sandbox.name() + "'");
        if (live.put(sandbox.id(), sandbox) == null) {
            sandbox.tellTo(events);
            if (sandbox.isOfCreated()) {
                events.starting(sandbox.id(), sandbox.name());
            } else {
                events.created(sandbox.view());
            }
        }
        return CompletableFuture.completedFuture(null);
    }

    /**
     * Gives a sandbox another name; one at a time.
     *
     * @return the name before, which is nobody's until {@link #renamed} is called
     * @throws SandboxException {@code ALREADY_EXISTS}; {@code PRECONDITION} when it does not run
     */
    synchronized SandboxName rename(Sandbox sandbox, SandboxName name) throws SandboxException {
        String action = "renaming " + sandbox.id();
        if (!sandbox.isRunning()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + ": it " + (sandbox.isStopping() ? "is being taken down" : "is still starting")
                            + ". Try again when that is over");
        }
        SandboxName before = sandbox.name();
        if (!before.equals(name)) {
            checkFree(sandbox.id(), name, action + " to '" + name + "'");
            sandbox.rename(name);
            held = Optional.of(before);
        }
        return before;
    }

    /** The last renaming is over: the name before is free, or, if it failed, the sandbox's again. */
    synchronized void renamed(Sandbox sandbox, SandboxName name) {
        sandbox.rename(name);
        held = Optional.empty();
    }

    /** @throws SandboxException {@code ALREADY_EXISTS} when another has the name that is live, or is to be started */
    synchronized void checkFree(SandboxId id, SandboxName name, String action) throws SandboxException {
        for (Sandbox other : live.values()) {
            if (!other.id().equals(id) && other.name().equals(name)) {
                throw taken(action, "the live sandbox " + other.id());
            }
        }
        checkNotCreated(id, name, action);
    }

    private void checkNotCreated(SandboxId id, SandboxName name, String action) throws SandboxException {
        Optional<SandboxId> other = records.created()
                .map(SandboxRecord::view)
                .filter(view -> !view.id().equals(id) && view.name().equals(name))
                .map(SandboxView::id)
                .findFirst();
        if (other.isPresent()) {
            throw taken(action, other.get() + ", which was created and not started,");
        }
    }

    private static SandboxException taken(String action, String other) {
        return new SandboxException(
                SandboxException.Code.ALREADY_EXISTS,
                action + ": " + other + " has that name. Choose another name, or delete that sandbox");
    }

    /** Adds a sandbox that runs already. */
    synchronized void adopt(Sandbox sandbox) {
        var _ = live.put(sandbox.id(), sandbox);
        sandbox.tellTo(events);
    }

    /** Removes a sandbox that is gone. */
    void remove(Sandbox sandbox) {
        synchronized (this) {
            live.remove(sandbox.id(), sandbox);
        }
        sandbox.gone().complete(null);
        sandbox.termination()
                .completeExceptionally(new SandboxException(
                        SandboxException.Code.UNAVAILABLE, "the agent has let go of " + sandbox.id()));
    }

    /** Returns the sandbox of an id or a name; one that is being taken down only if no other has the name. */
    synchronized Optional<Sandbox> find(String idOrName) {
        return live.values().stream()
                .filter(s -> s.id().value().equals(idOrName) || s.name().value().equals(idOrName))
                .min(Comparator.comparing(Sandbox::isStopping));
    }

    /** Returns all, the oldest first. */
    synchronized List<Sandbox> all() {
        List<Sandbox> all = new ArrayList<>(live.values());
        all.sort(Comparator.comparing(Sandbox::createTime));
        return all;
    }

    /** Takes no more sandboxes if there are none. */
    synchronized boolean closeIfEmpty() {
        if (live.isEmpty()) {
            closed = true;
        }
        return closed;
    }

    /** Takes no more sandboxes. */
    synchronized void close() {
        closed = true;
    }
}
