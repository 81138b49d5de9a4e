package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One more process in a sandbox that is there, from order to end. */
public final class Execution implements ProcessControl {
    private static final Logger LOG = LoggerFactory.getLogger(Execution.class);
    static final int SIGHUP = 1;
    static final int SIGKILL = 9;
    /** How long a process may take to end after SIGHUP. */
    static final Duration GRACE = Duration.ofSeconds(5);

    private final Sandbox sandbox;
    private final LiveGuest live;
    private final ProcessSpec process;
    private final Optional<Duration> timeout;
    private final RunObserver observer;
    private final Timer timer;
    private final StopSignal stop = new StopSignal();
    private final String processId;
    private final ProcessInput input;
    private final ProcessRelay relay;

    Execution(
            Sandbox sandbox,
            LiveGuest live,
            ProcessSpec process,
            Optional<Duration> timeout,
            RunObserver observer,
            Timer timer) {
        this.sandbox = sandbox;
        this.live = live;
        this.process = process;
        this.timeout = timeout;
        this.observer = observer;
        this.timer = timer;
        // A sandbox outlives agents, so that a number would come twice.
        this.processId = "exec-" + SandboxId.random().value().substring(2);
        this.input = new ProcessInput(sandbox.id() + "/" + processId, false);
        this.relay = new ProcessRelay(new ProcessInputs(false), input, observer);
    }

    @Override
    public ProcessInput input() {
        return input;
    }

    @Override
    public void requestsEnded() {
        // It ends by itself.
    }

    /** Ends the process. */
    @Override
    public void clientLost() {
        stop.stop(StopReason.CLIENT_LOST);
    }

    /** Runs it on the calling thread, until it has ended. */
    void execute() {
        try {
            stop.arm();
            Optional<Termination> notStarted = relay.start(live.guest(), processId, process);
            observer.reached(RunObserver.Phase.STARTED);
            finish(notStarted.isPresent() ? notStarted.get() : follow());
            forget();
        } catch (InterruptedException e) {
            stop.disarm();
            hangUp();
            finish(Endings.lost(stop.reason(), live, "interrupted"));
        } catch (SandboxException e) {
            stop.disarm();
            observer.failed(e);
            // It may have been started, though the answer did not come.
            hangUp();
        } catch (RuntimeException | Error e) {
            stop.disarm();
            LOG.error("{}/{}: a fault of Barchan's own", sandbox.id(), processId, e);
            observer.failed(new SandboxException(
                    SandboxException.Code.INTERNAL, "running a process in " + sandbox.id() + ": " + e, e));
            hangUp();
        }
    }

    private Termination follow() throws InterruptedException {
        Optional<TimeLimit> limit = timeout.map(time -> new TimeLimit(
                timer,
                time,
                sandbox.id(),
                live.guest(),
                processId,
                () -> LOG.warn("{}/{}: SIGKILL has not ended it", sandbox.id(), processId)));
        try {
            return relay.follow();
        } catch (SandboxException e) {
            boolean over = sandbox.isOver() || live.awaitMachineEnd();
            if (!over) {
                hangUp();
            }
            return relay.counted(ending(over, String.valueOf(e.getMessage())));
        } finally {
            limit.ifPresent(TimeLimit::close);
        }
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
        LOG.info("{}/{}: process ended: {}", sandbox.id(), processId, Endings.describe(termination));
        observer.finished(ProcessEvent.newBuilder().setTerminated(termination).build());
    }

    private void hangUp() {
        send(SIGHUP);
        forget();
        var _ = timer.after(GRACE, () -> {
            send(SIGKILL);
            forget();
        });
    }

    /** Nobody will ask for it any more: the guest is not to keep its output. */
    private void forget() {
        if (sandbox.isOver()) {
            return;
        }
        try {
            live.guest().forget(processId);
        } catch (SandboxException | InterruptedException e) {
            LOG.info("{}/{}: having it forgotten: {}", sandbox.id(), processId, e.getMessage());
        }
    }

    private void send(int signal) {
        try {
            live.guest().signal(processId, signal, TerminationCause.TERMINATION_CAUSE_UNSPECIFIED);
        } catch (SandboxException | InterruptedException e) {
            LOG.info("{}/{}: ending it when its client had gone: {}", sandbox.id(), processId, e.getMessage());
        }
    }
}
