package org.barchan.host.lifecycle;

import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.barchan.host.lifecycle.SandboxState.Running;
import org.barchan.host.lifecycle.SandboxState.Starting;
import org.barchan.host.lifecycle.SandboxState.Stopping;
import org.barchan.host.port.Machine;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A live sandbox. Its state is changed by the thread that minds it; all others read it, or stop that thread. */
final class Sandbox {
    private static final Logger LOG = LoggerFactory.getLogger(Sandbox.class);
    private static final String ENDED = "its process has ended";
    private static final String PAUSED = "it is paused: resume it first (barchan resume)";

    private final SandboxId id;
    private final SandboxName hostName;
    private volatile SandboxName name;
    private final Instant createTime;
    private final SandboxProcess process;
    private final ClientLostPolicy clientLostPolicy;
    private final StopSignal signal;
    private final ProcessInputs inputs;
    private final Undo undo;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();
    private SandboxState state = new Starting();
    private Optional<Accelerator> accelerator = Optional.empty();
    private String kernelRelease = "";
    private final CompletableFuture<Void> begun = new CompletableFuture<>();
    private final CompletableFuture<Void> processOver = new CompletableFuture<>();
    private final CompletableFuture<Termination> termination = new CompletableFuture<>();
    private volatile Optional<SandboxRecord> record = Optional.empty();
    private volatile PublishedPorts published = PublishedPorts.NONE;
    private volatile Labels labels = Labels.NONE;
    private volatile Optional<Lifespan> lifespan = Optional.empty();
    private boolean processEnded;
    /** For connections to what listens in it. */
    private final Semaphore connectionPlaces = new Semaphore(SandboxConnection.MAX_OF_SANDBOX);

    /** Those that run beside its own. */
    private final Map<String, SandboxProcess> others = new ConcurrentHashMap<>();
    /** Held while it is paused or resumed. */
    private final ReentrantLock pausing = new ReentrantLock();

    private volatile boolean paused;
    /** Nobody is told of one that can't be found. */
    private volatile Events events = Events.NONE;

    Sandbox(
            SandboxId id,
            SandboxName name,
            Instant createTime,
            ClientLostPolicy clientLostPolicy,
            SandboxProcess process) {
        this(id, name, createTime, clientLostPolicy, process, new StopSignal());
    }

    /**
     * @param name that it was made with, which its guest keeps as its host name
     * @param signal what its machine's end stops already
     */
    Sandbox(
            SandboxId id,
            SandboxName name,
            Instant createTime,
            ClientLostPolicy clientLostPolicy,
            SandboxProcess process,
            StopSignal signal) {
        this.id = id;
        this.hostName = name;
        this.name = name;
        this.process = process;
        this.createTime = createTime;
        this.clientLostPolicy = clientLostPolicy;
        this.signal = signal;
        this.inputs = new ProcessInputs(clientLostPolicy == ClientLostPolicy.KEEP);
        this.undo = new Undo(id.value());
    }

    SandboxId id() {
        return id;
    }

    SandboxName name() {
        return name;
    }

    /** Gives it another name; that it is free has been seen to. */
    void rename(SandboxName other) {
        name = other;
    }

    Instant createTime() {
        return createTime;
    }

    ClientLostPolicy clientLostPolicy() {
        return clientLostPolicy;
    }

    /** Has what it does kept. */
    void keep(SandboxRecord kept) {
        kept.minded(gone);
        record = Optional.of(kept);
    }

    /** It can be found from now on. */
    void tellTo(Events watched) {
        events = watched;
    }

    /** Who is told what happens to it. */
    Events events() {
        return events;
    }

    /** Has it found by what its user says of it. */
    void label(Labels words) {
        labels = words;
    }

    /** Has it end when it has lived long enough, or was not in use for long enough. */
    void limit(Lifetime limits, Timer timer) {
        lifespan = Optional.of(new Lifespan(this, limits, timer));
    }

    /** Somebody uses it, until what is returned is closed. */
    Lifespan.Use use() {
        return lifespan.map(Lifespan::use).orElse(() -> {});
    }

    /** Has ports of this host lead to it, until it ends. */
    void publish(PublishedPorts ports) {
        published = ports;
        ports.serve(this);
    }

    /** Has none lead to it any more. */
    void unpublish() {
        published.close();
    }

    /** What is kept of it. */
    Optional<SandboxRecord> record() {
        return record;
    }

    /** Whether it is made of one that was created, and can be started again if that fails. */
    boolean isOfCreated() {
        return record.filter(SandboxRecord::isCreated).isPresent();
    }

    /** Completes with how its process has ended; exceptionally where that was not started, or the agent has let go of it. */
    CompletableFuture<Termination> termination() {
        return termination;
    }

    /** Of each connection to what listens in it, one is held. */
    Semaphore connectionPlaces() {
        return connectionPlaces;
    }

    /** A process runs in it beside its own. */
    void begun(SandboxProcess other) {
        others.put(other.getProcessId(), other);
    }

    /** It runs no more. */
    void over(SandboxProcess other) {
        var _ = others.remove(other.getProcessId());
    }

    /** Returns the processes that run beside its own. */
    Collection<SandboxProcess> others() {
        return others.values();
    }

    /** Who writes to its process. */
    ProcessInputs inputs() {
        return inputs;
    }

    /** Stops the thread that minds this sandbox. */
    StopSignal signal() {
        return signal;
    }

    /** What the host holds for it. */
    Undo undo() {
        return undo;
    }

    /** Completes when nothing is left of it, or the agent has let go of it. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    /** Completes when its process has been started, or will never be. */
    CompletableFuture<Void> begun() {
        return begun;
    }

    /** Completes when its own process has ended, as far as is known, or will never run. */
    CompletableFuture<Void> processOver() {
        return processOver;
    }

    /** Its guest is out of reach: waits a moment for what tells that its machine has ended, if nothing else is known to end it. */
    void awaitMachineEnd(LiveGuest live) {
        if (signal.reason().isPresent()) {
            return;
        }
        try {
            if (live.awaitMachineEnd()) {
                signal.stop(StopReason.MACHINE_ENDED);
            } else {
                LOG.warn("{}: the link is lost, but its virtual machine has not ended", id);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    synchronized void builtFrom(Accelerator chosen, String release) {
        accelerator = Optional.of(chosen);
        kernelRelease = release;
    }

    /** Its process has been started. */
    void running(LiveGuest guest) {
        synchronized (this) {
            state = new Running(guest);
        }
        lifespan.ifPresent(span -> span.begin(guest));
        begun.complete(null);
    }

    /** Its own process has ended, but it is kept. */
    void processEnded() {
        synchronized (this) {
            processEnded = true;
        }
        processOver.complete(null);
        inputs.end();
    }

    void stopping() {
        stop();
        lifespan.ifPresent(Lifespan::close);
        unpublish();
        begun.complete(null);
        processOver.complete(null);
        inputs.end();
        if (!signal.reason().equals(Optional.of(StopReason.AGENT_STOPPING))) {
            // The ends of the others are not to wait for readers of their output.
            record.ifPresent(kept -> kept.others().forEach(ProcessRecord::unlimit));
        }
    }

    private synchronized void stop() {
        state = switch (state) {
            case Starting() -> new Stopping(Optional.empty());
            case Running(LiveGuest guest) -> new Stopping(Optional.of(guest));
            case Stopping stopping -> stopping;
        };
    }

    /**
     * Sends a signal to a process in it.
     *
     * @param processId what the guest calls it
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it is its own, which is not running
     */
    void signalProcess(String processId, int number) throws SandboxException, InterruptedException {
        boolean own = processId.equals(Run.PROCESS_ID);
        String action = "sending a signal to "
                + (own ? "the process of " + id : id + "/" + Printable.line(ProcessRecord.idOf(processId)));
        LiveGuest live = live(action);
        if (own && hasProcessEnded()) {
            throw new SandboxException(SandboxException.Code.PRECONDITION, action + ": " + ENDED);
        }
        live.guest().signal(processId, number, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
    }

    private synchronized boolean hasProcessEnded() {
        return processEnded;
    }

    /**
     * Returns its guest.
     *
     * @param action for messages
     * @throws SandboxException {@code PRECONDITION} when its process has not been started, or it ends
     */
    LiveGuest live(String action) throws SandboxException {
        String why;
        synchronized (this) {
            if (state instanceof Running(LiveGuest live) && !paused) {
                return live;
            }
            why = state instanceof Running ? PAUSED : state instanceof Starting ? "it is still starting" : ENDED;
        }
        throw new SandboxException(SandboxException.Code.PRECONDITION, action + ": " + why);
    }

    /**
     * Has it stand still, if it does not.
     *
     * @throws SandboxException {@code PRECONDITION} when it does not run
     */
    void pause() throws SandboxException {
        pausing.lock();
        try {
            LiveGuest live = runningGuest("pausing " + id);
            if (paused) {
                return;
            }
            paused = true;
            try {
                live.machine().pause();
            } catch (SandboxException | RuntimeException e) {
                paused = false;
                throw e;
            }
            LOG.info("{}: paused", id);
            events.paused(id, name);
        } finally {
            pausing.unlock();
        }
    }

    /**
     * Lets it go on, if it is paused.
     *
     * @throws SandboxException {@code PRECONDITION} when it does not run
     */
    void resume() throws SandboxException, InterruptedException {
        pausing.lock();
        try {
            LiveGuest live = runningGuest("resuming " + id);
            if (!paused) {
                return;
            }
            goOn(live);
            LOG.info("{}: resumed", id);
            // Its clock has stood still, too.
            live.guest().personalize(hostName);
        } catch (SandboxException e) {
            if (paused || e.code() == SandboxException.Code.PRECONDITION) {
                throw e;
            }
            LOG.warn("{}: giving it the time: {}", id, e.getMessage());
        } finally {
            pausing.unlock();
        }
    }

    /** Has its machine go on, if it is paused. */
    void goOn(LiveGuest live) throws SandboxException {
        pausing.lock();
        try {
            if (paused) {
                live.machine().resume();
                paused = false;
                events.resumed(id, name);
            }
        } finally {
            pausing.unlock();
        }
    }

    /** It was paused under a former agent, and counts as such while this one takes it over. */
    void adoptPaused() {
        paused = true;
    }

    /** It has been taken over, for which it had to run: has it stand still, unless it was resumed meanwhile. */
    void pauseAgain(Machine machine) {
        pausing.lock();
        try {
            if (paused) {
                machine.pause();
            }
        } catch (SandboxException e) {
            LOG.warn("{}: it was paused under the former agent, and runs now: {}", id, e.getMessage());
            paused = false;
            events.resumed(id, name);
        } finally {
            pausing.unlock();
        }
    }

    boolean isPaused() {
        return paused;
    }

    /**
     * Returns its guest, also while it is paused.
     *
     * @throws SandboxException {@code PRECONDITION} when its process has not been started, or it ends
     */
    synchronized LiveGuest runningGuest(String action) throws SandboxException {
        if (state instanceof Running(LiveGuest live)) {
            return live;
        }
        throw new SandboxException(
                SandboxException.Code.PRECONDITION,
                action + ": " + (state instanceof Starting ? "it is still starting" : ENDED));
    }

    /** Whether all that runs in it ends with it now. */
    boolean isOver() {
        boolean runsOn = clientLostPolicy == ClientLostPolicy.KEEP;
        return isStopping()
                || signal.reason()
                        .filter(reason ->
                                !runsOn || (reason != StopReason.CLIENT_LOST && reason != StopReason.AGENT_STOPPING))
                        .isPresent();
    }

    synchronized boolean isRunning() {
        return state instanceof Running;
    }

    synchronized boolean isStopping() {
        return state instanceof Stopping;
    }

    synchronized SandboxView view() {
        Optional<LiveGuest> guest = switch (state) {
            case Starting() -> Optional.empty();
            case Running(LiveGuest live) -> Optional.of(live);
            case Stopping(Optional<LiveGuest> last) -> last;
        };
        SandboxView.Phase phase = switch (state) {
            case Starting() -> SandboxView.Phase.STARTING;
            case Running r -> paused ? SandboxView.Phase.PAUSED : SandboxView.Phase.RUNNING;
            case Stopping s -> SandboxView.Phase.STOPPING;
        };
        return new SandboxView(
                id,
                name,
                phase,
                accelerator,
                kernelRelease,
                createTime,
                guest.map(live -> live.hello().bootId()).orElse(""),
                guest.map(live -> live.hello().epochs()).orElse(0),
                clientLostPolicy,
                process,
                Optional.empty(),
                published.ports(),
                labels,
                lifespan.map(Lifespan::limits).orElse(Lifetime.UNLIMITED));
    }
}
