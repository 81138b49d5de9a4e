package org.barchan.host.lifecycle;

import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.state.v1.KeptOrder;
import org.barchan.v1.RunStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sandboxes that are kept by what was ordered alone, until somebody starts them. One is made, started, renamed or deleted at a time. Safe for use
 * by many threads.
 */
public final class CreatedSandboxes {
    private static final Logger LOG = LoggerFactory.getLogger(CreatedSandboxes.class);

    private final Registry registry;
    private final SandboxLookup lookup;
    private final SandboxRecords records;
    private final Events events;
    private final Starter starter;

    CreatedSandboxes(Registry registry, SandboxLookup lookup, SandboxRecords records, Events events, Starter starter) {
        this.registry = registry;
        this.lookup = lookup;
        this.records = records;
        this.events = events;
        this.starter = starter;
    }

    /** Begins to make what was ordered, under the id and name of what is kept of it, and finds it in the registry then. */
    @FunctionalInterface
    interface Starter {
        Run begin(RunOrder order, RunObserver client, SandboxRecord record) throws SandboxException;
    }

    /** Makes an order of what was kept of it; throws the status that names all that is wrong with it for this agent. */
    @FunctionalInterface
    public interface OrderParser {
        RunOrder parse(RunStart start, HostUser client);
    }

    /**
     * Keeps what is ordered, once for each id of a request.
     *
     * @param order of which the sandbox is told as it is to be
     * @param start what is kept
     * @throws SandboxException {@code ALREADY_EXISTS} when the name is taken, or something else was ordered under the id; {@code EXHAUSTED}
     */
    public SandboxView create(RunOrder order, RunStart start) throws SandboxException, InterruptedException {
        lookup.awaitReconciled();
        synchronized (this) {
            Optional<SandboxRecord> known =
                    order.kept().request().flatMap(request -> records.findRequest(request.id()));
            return known.isPresent() ? same(known.get(), order) : make(order, start);
        }
    }

    private static SandboxView same(SandboxRecord known, RunOrder order) throws SandboxException {
        RunOrder.Request request = order.kept().request().orElseThrow();
        if (!known.own().digest().equals(request.digest())) {
            throw new SandboxException(
                    SandboxException.Code.ALREADY_EXISTS,
                    "creating what was asked for as the request " + request.id() + ": something else was, by which "
                            + known.view().id() + " was made. Choose another id, or none");
        }
        return known.view();
    }

    private SandboxView make(RunOrder order, RunStart start) throws SandboxException {
        SandboxName name = order.sandbox().name();
        SandboxId id = SandboxId.random();
        String action = "creating sandbox '" + name + "'";
        registry.checkFree(id, name, action);
        Instant now = Instant.now();
        SandboxView view = new SandboxView(
                id,
                name,
                SandboxView.Phase.CREATED,
                Optional.empty(),
                "",
                now,
                "",
                0,
                ClientLostPolicy.KEEP,
                RunOrder.summary(Run.PROCESS_ID, order.process(), now),
                Optional.empty(),
                order.published(),
                order.labels(),
                order.lifetime());
        SandboxRecord record = records.create(
                view,
                order.kept(),
                Optional.of(KeptOrder.newBuilder()
                        .setStart(start)
                        .setClientUid(order.client().uid())
                        .setClientGid(order.client().gid())
                        .build()));
        // From now on no other gets the name; one may have got it meanwhile.
        hold(record, action, () -> records.delete(id));
        LOG.info("{}: created '{}' for uid {}", id, name, order.client().uid());
        events.created(record.view());
        return record.view();
    }

    private void hold(SandboxRecord record, String action, Runnable otherwise) throws SandboxException {
        boolean free = false;
        try {
            registry.checkFree(record.view().id(), record.view().name(), action);
            free = true;
        } finally {
            if (!free) {
                otherwise.run();
            }
        }
    }

    /**
     * Starts one. Returns at once; all that happens is told to the observer, failures too: then it can be started again.
     *
     * @param detach whether the client is told no more than that the process has been started
     * @return what tells the run what the client sends
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it was started before, or a port can't be published;
     *     {@code EXHAUSTED} when there is no room for it
     */
    public Run start(String idOrName, boolean detach, OrderParser parser, RunObserver client)
            throws SandboxException, InterruptedException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        if (live.isPresent()) {
            throw startedBefore(
                    live.get().id(), "it " + (live.get().isStopping() ? "is being taken down" : "was started before"));
        }
        SandboxRecord record = lookup.findKept(idOrName);
        synchronized (this) {
            SandboxId id = record.view().id();
            PendingOrder pending = record.pending()
                    .orElseThrow(() -> startedBefore(
                            id,
                            record.hasEnded()
                                    ? "it has ended, and a sandbox is started once"
                                    : "it was started before"));
            if (registry.find(id.value()).isPresent() || pending.isTaken()) {
                throw startedBefore(
                        id, "it is being started, or a former agent did that and its machine was not looked for yet");
            }
            checkThere(record);
            KeptOrder kept = read(record, pending);
            RunStart start = kept.getStart();
            RunOrder order = parser.parse(
                    start.toBuilder()
                            .setSandbox(start.getSandbox().toBuilder()
                                    .setName(record.view().name().value()))
                            .setDetach(detach)
                            .setStdinOpen(detach && start.getStdinOpen())
                            .build(),
                    new HostUser(kept.getClientUid(), kept.getClientGid()));
            return begin(record, pending, order, client);
        }
    }

    private Run begin(SandboxRecord record, PendingOrder pending, RunOrder order, RunObserver client)
            throws SandboxException {
        boolean begun = false;
        try {
            pending.take();
            Run run = starter.begin(order, client, record);
            begun = true;
            return run;
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    "starting " + record.view().id() + ": noting that: " + RuntimeDirectories.describe(e)
                            + ". Make room or give the agent's user the right to write there",
                    e);
        } finally {
            if (!begun) {
                var _ = record.giveBack();
            }
        }
    }

    private static KeptOrder read(SandboxRecord record, PendingOrder pending) throws SandboxException {
        try {
            return pending.read();
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.INTERNAL,
                    "starting " + record.view().id() + ": what was ordered can't be read: " + e
                            + ". Delete it, and create another",
                    e);
        }
    }

    private static SandboxException startedBefore(SandboxId id, String why) {
        return new SandboxException(SandboxException.Code.PRECONDITION, "starting " + id + ": " + why);
    }

    private void checkThere(SandboxRecord record) throws SandboxException {
        SandboxId id = record.view().id();
        if (records.find(id).filter(there -> there == record).isEmpty()) {
            throw new SandboxException(SandboxException.Code.NOT_FOUND, "sandbox " + id + " was deleted");
        }
    }

    /** Gives one another name, as {@link Sandboxes#rename}. */
    synchronized void rename(SandboxRecord record, SandboxName name) throws SandboxException {
        SandboxId id = record.view().id();
        String action = "renaming " + id;
        if (registry.find(id.value()).isPresent()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION, action + ": it is still starting. Try again when that is over");
        }
        action += " to '" + name + "'";
        registry.checkFree(id, name, action);
        SandboxName before = record.view().name();
        records.rename(record, name);
        hold(record, action, () -> renameBack(record, before));
    }

    private void renameBack(SandboxRecord record, SandboxName before) {
        try {
            records.rename(record, before);
        } catch (SandboxException e) {
            LOG.warn("{}: {}", record.view().id(), e.getMessage());
        }
    }

    /**
     * Deletes what is kept of one, or of one that has ended or is gone.
     *
     * @return whether it did, as it was not started meanwhile
     */
    synchronized boolean delete(SandboxRecord record) {
        SandboxId id = record.view().id();
        if (registry.find(id.value()).isPresent()) {
            return false;
        }
        records.delete(id);
        return true;
    }
}
