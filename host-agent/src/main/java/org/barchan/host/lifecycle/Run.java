package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.barchan.host.port.ChangeArchives;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process in a sandbox of its own, from order to end. */
public final class Run implements ProcessControl {
    /** The process that a sandbox is made for, and ends with. */
    static final String PROCESS_ID = "main";

    private static final Logger LOG = LoggerFactory.getLogger(Run.class);
    /** How long people wait without wondering. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Sandbox sandbox;
    private final Optional<Pool.Waiting> waiting;
    private final AtomicBoolean clientGone = new AtomicBoolean();
    private final CountDownLatch requestsEnded = new CountDownLatch(1);
    private final RunOrder order;
    private final RunObserver observer;
    private final SandboxMaker maker;
    private final Teardown teardown;
    private final SandboxRecords records;
    private final ChangeArchives archives;
    private final Timer timer;
    private final ProcessInput input;
    private Optional<LiveGuest> made = Optional.empty();
    private Optional<TimeLimit> limit = Optional.empty();
    private Optional<Timer.Alarm> patience = Optional.empty();
    private final ProcessRelay relay;
    /** As long as its client is there. */
    private final Lifespan.Use use;

    /** @param waiting what has waited for the sandbox */
    Run(
            Sandbox sandbox,
            Optional<Pool.Waiting> waiting,
            RunOrder order,
            RunObserver observer,
            SandboxMaker maker,
            Teardown teardown,
            ChangeArchives archives,
            SandboxRecords records,
            Timer timer) {
        this.records = records;
        this.sandbox = sandbox;
        this.waiting = waiting;
        this.order = order;
        this.observer = observer;
        this.maker = maker;
        this.teardown = teardown;
        this.archives = archives;
        this.timer = timer;
        this.input = new ProcessInput(sandbox.id().value(), false);
        if (order.kept().detach() && !order.kept().stdinOpen()) {
            input.end();
        }
        this.use = order.kept().detach() ? () -> {} : sandbox.use();
        this.relay = new ProcessRelay(sandbox.inputs(), input, observer);
    }

    /** Completes when its process has been started, or will never be. */
    CompletableFuture<Void> begun() {
        return sandbox.begun();
    }

    @Override
    public ProcessInput input() {
        return input;
    }

    @Override
    public void requestsEnded() {
        requestsEnded.countDown();
    }

    /** Deletes the sandbox, or lets it run on if it may and its process has been started. */
    @Override
    public void clientLost() {
        // gRPC tells it in two ways; told twice, it would end the sandbox that was let run on the first time.
        if (clientGone.compareAndSet(false, true)) {
            observer.clientLost();
            use.close();
            if (sandbox.clientLostPolicy() == ClientLostPolicy.KEEP && sandbox.isRunning()) {
                requestsEnded();
            } else {
                sandbox.signal().stop(StopReason.CLIENT_LOST);
            }
        }
    }

    /** Runs it on the calling thread, until the sandbox is gone. */
    void execute() {
        Optional<Termination> notStarted;
        LiveGuest live;
        try {
            if (waiting.isPresent()) {
                live = maker.takeUp(sandbox, waiting.get(), order, observer);
            } else {
                sandbox.signal().arm();
                live = maker.make(sandbox, order, observer);
            }
            made = Optional.of(live);
            notStarted = relay.start(live.guest(), PROCESS_ID, order.process());
        } catch (SandboxException e) {
            fail(
                    sandbox.signal().reason().isPresent() && e.code() == SandboxException.Code.LOST && made.isPresent()
                            ? Endings.beforeStart(sandbox, made)
                            : e);
            return;
        } catch (InterruptedException e) {
            fail(Endings.beforeStart(sandbox, made));
            return;
        } catch (RuntimeException | Error e) {
            LOG.error("{}: starting failed by a fault of Barchan's own", sandbox.id(), e);
            fail(new SandboxException(
                    SandboxException.Code.INTERNAL,
                    "starting " + sandbox.id() + ": " + e + ". This is a fault of Barchan's: see the agent's log",
                    e));
            return;
        }
        observer.reached(RunObserver.Phase.STARTED);
        sandbox.running(live);
        if (notStarted.isEmpty()) {
            sandbox.events().running(sandbox.id(), sandbox.name());
        }
        observer.sandbox(sandbox.view());
        if (notStarted.isPresent()) {
            end(live, notStarted.get());
        } else {
            follow(live);
        }
    }

    private void fail(SandboxException reason) {
        sandbox.signal().disarm();
        waiting.ifPresent(guest -> guest.handTo(sandbox));
        LOG.info("{}: not started: {}", sandbox.id(), Printable.lines(String.valueOf(reason.getMessage())));
        sandbox.termination().completeExceptionally(notStarted(reason));
        if (!sandbox.isOfCreated()) {
            sandbox.events().notStarted(sandbox.id(), sandbox.name(), String.valueOf(reason.getMessage()));
        }
        // Before the answer: who has been told of a failure finds nothing left behind.
        teardown.atOnce(sandbox);
        observer.failed(reason);
    }

    private SandboxException notStarted(SandboxException reason) {
        return new SandboxException(
                SandboxException.Code.PRECONDITION,
                "waiting for the process of " + sandbox.id() + ": it was not started: " + reason.getMessage(),
                reason);
    }

    private void follow(LiveGuest live) {
        // Its end is not to wait for a reader of its output.
        patience = order.timeout()
                .map(time -> timer.after(
                        time,
                        () -> sandbox.record().ifPresent(record -> record.log().unlimit())));
        limit = order.timeout()
                .map(time -> new TimeLimit(
                        timer,
                        time,
                        sandbox.id(),
                        live.guest(),
                        PROCESS_ID,
                        TerminationCause.TERMINATION_CAUSE_TIMEOUT,
                        () -> sandbox.signal().stop(StopReason.TIME_UP)));
        String error;
        try {
            Termination termination = relay.follow();
            endLimit();
            export(live, termination);
            end(live, termination);
            return;
        } catch (InterruptedException e) {
            error = "interrupted";
        } catch (SandboxException e) {
            error = String.valueOf(e.getMessage());
            sandbox.signal().disarm();
            sandbox.awaitMachineEnd(live);
        } catch (RuntimeException | Error e) {
            LOG.error("{}: a fault of Barchan's own", sandbox.id(), e);
            error = e.toString();
        }
        sandbox.signal().disarm();
        breakOff(live, error);
    }

    /** The process's end was not seen, or nobody wants to see it. */
    private void breakOff(LiveGuest live, String error) {
        Optional<StopReason> reason = sandbox.signal().reason();
        boolean keep = sandbox.clientLostPolicy() == ClientLostPolicy.KEEP;
        if (keep && reason.equals(Optional.of(StopReason.CLIENT_LOST))) {
            LOG.info("{}: its client went away; it runs on", sandbox.id());
            sandbox.signal().forget(StopReason.CLIENT_LOST);
            // The time limit goes on.
            new Watch(teardown, records).mind(sandbox, live, () -> {});
            endLimit();
            return;
        }
        endLimit();
        if (keep && reason.equals(Optional.of(StopReason.AGENT_STOPPING))) {
            sandbox.signal().disarm();
            sandbox.stopping();
            observer.leftRunning();
            teardown.letGo(sandbox, live);
        } else {
            finish(relay.counted(Endings.lost(reason, live, error)));
            teardown.stop(sandbox, live);
        }
    }

    /** Whoever ends the sandbox meanwhile ends the wait, not what is known of the process: returns false. */
    private boolean keep(Termination termination) {
        if (!order.keep() || requestsEnded.getCount() == 0) {
            return true;
        }
        sandbox.processEnded();
        observer.progress(
                RunObserver.Level.INFO,
                "the command has ended (" + Endings.result(termination)
                        + "); its sandbox is kept for what else runs in it");
        try {
            requestsEnded.await();
            return true;
        } catch (InterruptedException e) {
            sandbox.signal().disarm();
            return false;
        }
    }

    /** Whoever ends the sandbox meanwhile ends this, not what is known of the process. */
    private void export(LiveGuest live, Termination termination) {
        try {
            if (keep(termination)) {
                exportChanges(live);
            }
        } catch (InterruptedException e) {
            sandbox.signal().disarm();
        }
    }

    private void exportChanges(LiveGuest live) throws InterruptedException {
        if (!order.exportChanges()) {
            return;
        }
        try {
            archives.write(live.guest(), new ChunkedOutput(observer::changes));
            observer.changes(ByteString.EMPTY);
        } catch (SandboxException e) {
            observer.progress(
                    RunObserver.Level.WARNING, Printable.line("exporting the changes failed: " + e.getMessage()));
        } catch (IOException e) {
            // The observer takes no more because this thread is to stop.
            throw new InterruptedException(e.toString());
        }
    }

    /** Nobody waits for the machine, unless it holds images that the client may want to use next. */
    private void end(LiveGuest live, Termination termination) {
        if (live.machine().record().writesImages()) {
            settle(live);
            observer.record(ProcessEvent.newBuilder().setTerminated(termination).build());
            sandbox.termination().complete(termination);
            teardown.orderly(sandbox, live);
            finish(termination);
        } else {
            finish(termination);
            teardown.orderly(sandbox, live);
        }
    }

    /** Who is told that the process has ended finds in its images what was written. */
    private void settle(LiveGuest live) {
        sandbox.signal().disarm();
        Timer.Alarm alarm = timer.after(
                PATIENCE,
                () -> observer.progress(
                        RunObserver.Level.INFO, "the command has ended; waiting for what is to be written to images"));
        teardown.settle(sandbox, live)
                .forEach(problem -> observer.progress(
                        RunObserver.Level.WARNING,
                        Printable.line("an image may lack what was written to it last: " + problem)));
        alarm.cancel();
    }

    private void finish(Termination termination) {
        sandbox.signal().disarm();
        sandbox.stopping();
        LOG.info("{}: process ended: {}", sandbox.id(), Endings.describe(termination));
        ProcessEvent end = ProcessEvent.newBuilder().setTerminated(termination).build();
        observer.record(end);
        sandbox.events().ended(sandbox.id(), sandbox.name(), termination);
        observer.finished(end);
        sandbox.termination().complete(termination);
    }

    private void endLimit() {
        limit.ifPresent(TimeLimit::close);
        patience.ifPresent(Timer.Alarm::cancel);
    }
}
