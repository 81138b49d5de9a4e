package org.barchan.host.lifecycle;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.LogEntry;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that can be done with the processes of sandboxes. Where one is meant, an empty id means the one that the sandbox was made for. Safe for
 * use by many threads.
 */
public final class Processes {
    private static final Logger LOG = LoggerFactory.getLogger(Processes.class);
    /** How long a guest that runs may take to answer a new agent. */
    private static final Duration TAKE_OVER = Duration.ofSeconds(30);

    private final SandboxLookup lookup;
    private final SandboxRecords records;
    private final Room room;
    private final Timer timer;

    Processes(SandboxLookup lookup, SandboxRecords records, Room room, Timer timer) {
        this.lookup = lookup;
        this.records = records;
        this.room = room;
        this.timer = timer;
    }

    /**
     * Runs one more process in a sandbox, or joins it from its beginning on, if one of the same id and order is kept. Returns at once; all that
     * happens is told to the observer.
     *
     * @return what tells it what the client sends
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when the sandbox's own process does not run, or nothing is kept of the sandbox;
     *     {@code ALREADY_EXISTS} when another process has the id; {@code EXHAUSTED} when there is no room for what is to be kept
     */
    public ProcessControl execute(String idOrName, ExecOrder order, RunObserver client)
            throws SandboxException, InterruptedException {
        if (order.kept().isPresent()) {
            return executeKept(idOrName, order, order.kept().get(), client);
        }
        Sandbox sandbox = lookup.find(idOrName);
        LiveGuest live = sandbox.live("running a process in " + sandbox.id());
        SandboxProcess process = RunOrder.summary(newId(), order.process(), Instant.now());
        Execution execution = new Execution(sandbox, live, process, Optional.empty(), client, timer);
        start(sandbox, process, () -> execution.execute(order.process(), order.timeout()));
        return execution;
    }

    private ProcessControl executeKept(String idOrName, ExecOrder order, ExecOrder.Kept kept, RunObserver client)
            throws SandboxException, InterruptedException {
        Optional<Sandbox> found = lookup.findLive(idOrName);
        SandboxRecord sandboxRecord =
                found.isPresent() ? kept(found.get(), "keeping a process of ") : lookup.findEnded(idOrName);
        Optional<ProcessRecord> known = kept.processId().flatMap(sandboxRecord::process);
        if (found.isPresent()) {
            // Its client has come back sooner than this agent has taken it over.
            awaitBegun(found.get());
        }
        if (known.isPresent()) {
            return join(found, sandboxRecord, known.get(), kept, client);
        }
        Sandbox sandbox = found.isPresent() ? found.get() : lookup.find(idOrName);
        LiveGuest live = sandbox.live("running a process in " + sandbox.id());
        room.checkProcess("running a process in " + sandbox.id());
        SandboxProcess process =
                RunOrder.summary(kept.processId().orElseGet(Processes::newId), order.process(), Instant.now());
        Optional<ProcessRecord> there = records.addProcess(
                sandboxRecord,
                ProcessRecord.describe(
                        process,
                        kept.process().limit(),
                        kept.digest(),
                        kept.process().deleteWhenEnded()));
        if (there.isPresent()) {
            return join(found, sandboxRecord, there.get(), kept, client);
        }
        ProcessRecord record = sandboxRecord.process(process.getProcessId()).orElseThrow();
        client.sandbox(sandbox.view());
        Execution execution = new Execution(
                sandbox,
                live,
                process,
                Optional.of(record),
                new LogObserver(
                        sandbox.id() + "/" + record.id(),
                        record.log(),
                        records.keeper(sandboxRecord, record),
                        client,
                        kept.process().detach()),
                timer);
        if (kept.process().detach() && !kept.process().stdinOpen()) {
            execution.input().end();
        }
        start(sandbox, process, () -> execution.execute(order.process(), order.timeout()));
        return execution;
    }

    /** A sandbox outlives agents, so that a number would come twice. */
    private static String newId() {
        return "exec-" + SandboxId.random().value().substring(2);
    }

    private static void start(Sandbox sandbox, SandboxProcess process, Runnable mind) {
        Thread.ofVirtual()
                .name("exec-" + sandbox.id() + "/" + process.getProcessId())
                .start(mind);
    }

    /** The same was ordered before. */
    private static Attachment join(
            Optional<Sandbox> live,
            SandboxRecord sandbox,
            ProcessRecord process,
            ExecOrder.Kept order,
            RunObserver client)
            throws SandboxException {
        if (!process.digest().equals(order.digest())) {
            throw new SandboxException(
                    SandboxException.Code.ALREADY_EXISTS,
                    "running the process " + process.id() + " in "
                            + sandbox.view().id()
                            + ": another one has that id, or had it and is kept. Choose another id, or none");
        }
        return attach(
                live,
                sandbox,
                process,
                OptionalLong.of(0),
                OptionalLong.of(0),
                order.process().detach(),
                order.process().detach(),
                client);
    }

    /** Joins the process that a sandbox was made for, from its beginning on: the same was ordered before. */
    Attachment join(Optional<Sandbox> live, SandboxRecord sandbox, boolean detach, RunObserver client) {
        return attach(live, sandbox, sandbox.own(), OptionalLong.of(0), OptionalLong.of(0), detach, detach, client);
    }

    /**
     * Joins a process that is kept. Returns at once; all that happens is told to the observer.
     *
     * @param stdoutOffset how much of standard output to leave out; empty: what was written so far
     * @param stderrOffset the same of standard error
     * @param outputOnly whether the client writes nothing
     * @return what tells it what the client sends
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when nothing is kept of it, it is still starting, or it has ended and the
     *     client does not go on where it was
     */
    public Attachment attach(
            String idOrName,
            String processId,
            OptionalLong stdoutOffset,
            OptionalLong stderrOffset,
            boolean outputOnly,
            RunObserver observer)
            throws SandboxException, InterruptedException {
        boolean goesOn = stdoutOffset.isPresent() || stderrOffset.isPresent();
        Optional<Sandbox> live = lookup.findLive(idOrName);
        SandboxRecord sandbox = live.isPresent() ? kept(live.get(), "attaching to ") : lookup.findEnded(idOrName);
        ProcessRecord process = process(sandbox, processId);
        String action = "attaching to " + name(sandbox, process);
        if (live.isPresent() && goesOn) {
            awaitBegun(live.get());
        }
        if (!goesOn && (live.isEmpty() || process.hasEnded())) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + ": it has ended; 'barchan logs' has what it wrote, 'barchan wait' how it ended");
        }
        if (live.isPresent() && !(goesOn && live.get().begun().isDone())) {
            var _ = live.get().live(action);
        }
        return attach(live, sandbox, process, stdoutOffset, stderrOffset, outputOnly, false, observer);
    }

    private static Attachment attach(
            Optional<Sandbox> live,
            SandboxRecord sandbox,
            ProcessRecord process,
            OptionalLong stdoutOffset,
            OptionalLong stderrOffset,
            boolean outputOnly,
            boolean detach,
            RunObserver observer) {
        Attachment attachment = new Attachment(
                live.map(Sandbox::view).orElseGet(sandbox::view),
                process.process(),
                live.filter(running -> !outputOnly && running.isRunning() && !process.hasEnded())
                        .map(running -> isOwn(process) ? running.inputs() : process.inputs()),
                process.log(),
                stdoutOffset,
                stderrOffset,
                detach,
                observer,
                live.map(Sandbox::use).orElse(() -> {}));
        Thread.ofVirtual().name("attach-" + name(sandbox, process)).start(attachment::execute);
        return attachment;
    }

    private static boolean isOwn(ProcessRecord process) {
        return process.id().equals(Run.PROCESS_ID);
    }

    private static String name(SandboxRecord sandbox, ProcessRecord process) {
        return sandbox.view().id() + (isOwn(process) ? "" : "/" + process.id());
    }

    /** Its client has come back sooner than this agent has taken it over. */
    private static void awaitBegun(Sandbox sandbox) throws InterruptedException {
        try {
            sandbox.begun().get(TAKE_OVER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.warn("{}: it is not taken over yet", sandbox.id());
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
    }

    private static SandboxRecord kept(Sandbox live, String action) throws SandboxException {
        return live.record()
                .orElseThrow(
                        () -> new SandboxException(
                                SandboxException.Code.PRECONDITION,
                                action + live.id()
                                        + ": nothing is kept of it, since it ends with its client. Start it with --detach or --keep"));
    }

    private static ProcessRecord process(SandboxRecord sandbox, String id) throws SandboxException {
        return sandbox.process(id.isEmpty() ? Run.PROCESS_ID : id)
                .orElseThrow(() -> notFound(sandbox.view().id(), id));
    }

    private static SandboxException notFound(SandboxId sandbox, String id) {
        return new SandboxException(
                SandboxException.Code.NOT_FOUND,
                "no process of the id '" + Printable.line(id) + "' is kept of " + sandbox
                        + ". Those that were started with --detach or --keep are");
    }

    /**
     * Returns how a process has ended, once it has.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it was not started; {@code UNAVAILABLE} when the agent is stopping
     */
    public Termination await(String idOrName, String processId) throws SandboxException, InterruptedException {
        boolean own = processId.isEmpty() || processId.equals(Run.PROCESS_ID);
        Optional<Sandbox> live = lookup.findLive(idOrName);
        if (live.isEmpty()) {
            SandboxRecord ended = lookup.findEnded(idOrName);
            return own
                    ? ended.view().end().orElseThrow().termination()
                    : await(process(ended, processId).termination());
        }
        if (own) {
            return await(live.get().termination());
        }
        SandboxRecord record =
                live.get().record().orElseThrow(() -> notFound(live.get().id(), processId));
        return await(process(record, processId).termination());
    }

    private static Termination await(CompletableFuture<Termination> end) throws SandboxException, InterruptedException {
        try {
            return end.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SandboxException reason) {
                throw new SandboxException(reason.code(), String.valueOf(reason.getMessage()), reason);
            }
            throw new AssertionError("it fails in no other way", e);
        }
    }

    /** Takes what is in a log. */
    public interface LogTaker {
        void take(LogEntry entry) throws IOException, InterruptedException;
    }

    /**
     * Reads what is kept of a process.
     *
     * @param follow whether to wait for more until the process has ended
     * @param since leaves out what came before
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when nothing is kept of it
     * @throws IOException what the taker throws
     */
    public void readLog(
            String idOrName,
            String processId,
            boolean follow,
            Instant since,
            long stdoutOffset,
            long stderrOffset,
            LogTaker taker)
            throws SandboxException, InterruptedException, IOException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        SandboxRecord record = live.isPresent() ? kept(live.get(), "reading the log of ") : lookup.findKept(idOrName);
        ProcessLog log = process(record, processId).log();
        try (ProcessLog.Reader reader = log.reader(stdoutOffset, stderrOffset, since)) {
            for (Optional<LogEntry> next = LogFollower.next(reader, follow);
                    next.isPresent();
                    next = LogFollower.next(reader, follow)) {
                taker.take(next.get());
            }
        }
    }

    /**
     * Sends a signal to a process.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it does not run now
     */
    public void signal(String idOrName, String processId, int number) throws SandboxException, InterruptedException {
        Sandbox sandbox = lookup.find(idOrName);
        Optional<ProcessRecord> ended =
                sandbox.record().flatMap(record -> record.process(processId)).filter(ProcessRecord::hasEnded);
        if (ended.isPresent()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "sending a signal to " + sandbox.id() + "/" + processId + ": it has ended");
        }
        String guestId = sandbox.record()
                .flatMap(record -> record.process(processId))
                .map(ProcessRecord::guestId)
                .orElse(processId.isEmpty() ? Run.PROCESS_ID : processId);
        sandbox.signalProcess(guestId, number);
    }

    /**
     * Returns the processes of a sandbox: the one that it was made for, those that run, and those that have ended and are kept; the oldest
     * first.
     *
     * @throws SandboxException {@code NOT_FOUND}
     */
    public List<SandboxProcess> list(String idOrName) throws SandboxException, InterruptedException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        List<SandboxProcess> all = new ArrayList<>();
        Optional<SandboxRecord> record =
                live.isPresent() ? live.get().record() : Optional.of(lookup.findKept(idOrName));
        if (live.isEmpty() && record.filter(SandboxRecord::isCreated).isPresent()) {
            return all;
        }
        record.ifPresentOrElse(
                kept -> {
                    all.add(kept.own().process());
                    kept.others().forEach(other -> all.add(other.process()));
                },
                () -> all.add(live.orElseThrow().view().process()));
        Set<String> ids = all.stream().map(SandboxProcess::getProcessId).collect(Collectors.toSet());
        live.ifPresent(sandbox -> sandbox.others().stream()
                .filter(other -> !ids.contains(other.getProcessId()))
                .forEach(all::add));
        all.sort(Comparator.comparing(process -> SandboxRecord.time(process.getCreateTime())));
        return all;
    }
}
