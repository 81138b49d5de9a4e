package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One more process in a sandbox that is there, from order to end. One that is kept outlives its client, and the agent. */
public final class Execution implements ProcessControl {
    private static final Logger LOG = LoggerFactory.getLogger(Execution.class);
    static final int SIGHUP = 1;
    static final int SIGKILL = 9;
    /** How long a process may take to end after SIGHUP. */
    static final Duration GRACE = Duration.ofSeconds(5);

    private final Sandbox sandbox;
    private final LiveGuest live;
    private final SandboxProcess process;
    private final Optional<ProcessRecord> record;
    private final RunObserver observer;
    private final Timer timer;
    private final StopSignal stop = new StopSignal();
    private final ProcessInput input;
    private final ProcessRelay relay;

    /**
     * @param record what is kept of it
     * @param observer has what is to be kept kept
     */
    Execution(
            Sandbox sandbox,
            LiveGuest live,
            SandboxProcess process,
            Optional<ProcessRecord> record,
            RunObserver observer,
            Timer timer) {
        this.sandbox = sandbox;
        this.live = live;
        this.process = process;
        this.record = record;
        this.observer = observer;
        this.timer = timer;
        this.input = new ProcessInput(name(), false);
        this.relay = new ProcessRelay(
                record.map(ProcessRecord::inputs).orElseGet(() -> new ProcessInputs(false)), input, observer);
    }

    private String id() {
        return process.getProcessId();
    }

    private String guestId() {
        return record.map(ProcessRecord::guestId).orElseGet(this::id);
    }

    private String name() {
        return sandbox.id() + "/" + id();
    }

    @Override
    public ProcessInput input() {
        return input;
    }

    @Override
    public void requestsEnded() {
        // It ends by itself.
    }

    /** Ends the process, unless it is kept. */
    @Override
    public void clientLost() {
        observer.clientLost();
        if (record.isEmpty()) {
            stop.stop(StopReason.CLIENT_LOST);
        }
    }

    /** Starts it and minds it on the calling thread, until it has ended or the agent has let go of it. */
    void execute(ProcessSpec spec, Optional<Duration> timeout) {
        mind(() -> {
            stop.arm();
            Optional<Termination> notStarted = relay.start(live.guest(), guestId(), spec);
            observer.reached(RunObserver.Phase.STARTED);
            if (notStarted.isEmpty()) {
                sandbox.events().processStarted(sandbox.id(), sandbox.name(), id());
            }
            return notStarted.isPresent() ? notStarted : follow(timeout);
        });
    }

    /** Minds one that a former agent has started, from where its connection goes on. */
    void adopt(ProcessConnection connection) {
        mind(() -> {
            relay.adopt(live.guest(), guestId(), connection);
            sandbox.events().processStarted(sandbox.id(), sandbox.name(), id());
            return follow(Optional.empty());
        });
    }

    private interface Life {
        /** Returns how it has ended; empty when it runs on without the agent. */
        Optional<Termination> live() throws SandboxException, InterruptedException;
    }

    private void mind(Life life) {
        sandbox.begun(process);
        try (Lifespan.Use _ = sandbox.use()) {
            Optional<Termination> end = life.live();
            if (end.isPresent()) {
                finish(end.get());
                // An end that could not be kept is asked for again by the next agent.
                if (record.map(ProcessRecord::hasEnded).orElse(true)) {
                    forget();
                }
            } else {
                observer.leftRunning();
            }
        } catch (InterruptedException e) {
            stop.disarm();
            hangUp();
            finish(Endings.lost(stop.reason(), live, "interrupted"));
        } catch (SandboxException e) {
            stop.disarm();
            if (isLeft()) {
                observer.leftRunning();
            } else {
                fail(e);
            }
        } catch (RuntimeException | Error e) {
            stop.disarm();
            LOG.error("{}: a fault of Barchan's own", name(), e);
            fail(new SandboxException(
                    SandboxException.Code.INTERNAL, "running a process in " + sandbox.id() + ": " + e, e));
        } finally {
            record.ifPresent(kept -> kept.inputs().end());
            sandbox.over(process);
        }
    }

    /** It may have been started, though the answer did not come. */
    private void fail(SandboxException reason) {
        sandbox.events()
                .processGone(sandbox.id(), sandbox.name(), id(), Events.lost(String.valueOf(reason.getMessage())));
        observer.failed(reason);
        record.ifPresent(kept -> kept.termination()
                .completeExceptionally(new SandboxException(
                        SandboxException.Code.PRECONDITION,
                        "waiting for the process " + name() + ": it was not started: " + reason.getMessage(),
                        reason)));
        hangUp();
    }

    private Optional<Termination> follow(Optional<Duration> timeout) throws InterruptedException {
        Optional<TimeLimit> limit = timeout.map(time -> new TimeLimit(
                timer,
                time,
                sandbox.id(),
                live.guest(),
                id(),
                TerminationCause.TERMINATION_CAUSE_TIMEOUT,
                () -> LOG.warn("{}: SIGKILL has not ended it", name())));
        // Its end is not to wait for a reader of its output.
        Optional<Timer.Alarm> patience = timeout.flatMap(time -> record.map(kept -> timer.after(time, kept::unlimit)));
        try {
            return Optional.of(relay.follow());
        } catch (SandboxException e) {
            if (record.isPresent() && sandbox.signal().reason().equals(Optional.of(StopReason.AGENT_STOPPING))) {
                return Optional.empty();
            }
            boolean over = sandbox.isOver() || live.awaitMachineEnd();
            if (!over) {
                hangUp();
            }
            return Optional.of(counted(ending(over, String.valueOf(e.getMessage()))));
        } finally {
            limit.ifPresent(TimeLimit::close);
            patience.ifPresent(Timer.Alarm::cancel);
        }
    }

    /** Whether it is left to the next agent. */
    private boolean isLeft() {
        return record.isPresent() && sandbox.signal().reason().equals(Optional.of(StopReason.AGENT_STOPPING));
    }

    private Termination counted(Termination unseen) {
        return record.isEmpty()
                ? relay.counted(unseen)
                : unseen.toBuilder()
                        .setStdoutBytes(record.get().log().stdoutEnd())
                        .setStderrBytes(record.get().log().stderrEnd())
                        .build();
    }

    private Termination ending(boolean over, String error) {
        Optional<StopReason> reason = sandbox.signal().reason();
        if (reason.isEmpty() && sandbox.isStopping()) {
            return Endings.withSandbox();
        }
        return Endings.lost(reason.or(() -> over ? Optional.of(StopReason.MACHINE_ENDED) : reason), live, error);
    }

    private void finish(Termination termination) {
        stop.disarm();
        LOG.info("{}: process ended: {}", name(), Endings.describe(termination));
        ProcessEvent end = ProcessEvent.newBuilder().setTerminated(termination).build();
        observer.record(end);
        sandbox.events().processEnded(sandbox.id(), sandbox.name(), id(), termination);
        observer.finished(end);
        record.ifPresent(kept -> {
            var _ = kept.termination().complete(termination);
        });
    }

    private void hangUp() {
        hangUp(live, guestId(), name(), timer);
    }

    /** Ends a process that nobody waits for. */
    static void hangUp(LiveGuest live, String id, String name, Timer timer) {
        send(live, id, name, SIGHUP);
        forget(live, id, name);
        var _ = timer.after(GRACE, () -> {
            send(live, id, name, SIGKILL);
            forget(live, id, name);
        });
    }

    /** Nobody will ask for it any more: the guest is not to keep its output. */
    private void forget() {
        if (!sandbox.isOver()) {
            forget(live, guestId(), name());
        }
    }

    private static void forget(LiveGuest live, String id, String name) {
        try {
            live.guest().forget(id);
        } catch (SandboxException | InterruptedException e) {
            LOG.info("{}: having it forgotten: {}", name, e.getMessage());
        }
    }

    private static void send(LiveGuest live, String id, String name, int signal) {
        try {
            live.guest().signal(id, signal, TerminationCause.TERMINATION_CAUSE_UNSPECIFIED);
        } catch (SandboxException | InterruptedException e) {
            LOG.info("{}: ending it when its client had gone: {}", name, e.getMessage());
        }
    }
}
