package org.barchan.host.lifecycle;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Attached;
import org.barchan.v1.LogEntry;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.SandboxProcess;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A client that has joined a process which is kept: reads its log, and writes to it. */
public final class Attachment implements ProcessControl {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);

    private final SandboxView sandbox;
    private final SandboxProcess process;
    private final Optional<ProcessInputs> inputs;
    private final ProcessLog log;
    private final long stdoutOffset;
    private final long stderrOffset;
    private final boolean detach;
    private final RunObserver observer;
    private final Lifespan.Use use;
    private final ProcessInput input;
    private final StopSignal stop = new StopSignal();

    /**
     * @param inputs what it writes to; empty if it only reads
     * @param stdoutOffset where it goes on; empty: where the log ends now
     * @param stderrOffset the same of standard error
     * @param detach whether the client is told no more than that the process has been started
     * @param use of its sandbox, closed when the client has gone
     */
    Attachment(
            SandboxView sandbox,
            SandboxProcess process,
            Optional<ProcessInputs> inputs,
            ProcessLog log,
            OptionalLong stdoutOffset,
            OptionalLong stderrOffset,
            boolean detach,
            RunObserver observer,
            Lifespan.Use use) {
        this.sandbox = sandbox;
        this.use = use;
        this.process = process;
        this.detach = detach;
        this.inputs = inputs;
        this.log = log;
        this.stdoutOffset = stdoutOffset.orElseGet(log::stdoutEnd);
        this.stderrOffset = stderrOffset.orElseGet(log::stderrEnd);
        this.observer = observer;
        this.input = new ProcessInput(sandbox.id() + "/" + process.getProcessId(), process.getTerminal());
    }

    @Override
    public ProcessInput input() {
        return input;
    }

    @Override
    public void requestsEnded() {
        // It goes on reading.
    }

    /** Ends it; the process runs on. */
    @Override
    public void clientLost() {
        stop.stop(StopReason.CLIENT_LOST);
    }

    /** Whether the process has a terminal. */
    public boolean hasTerminal() {
        return process.getTerminal();
    }

    private Attached attached() throws InterruptedException {
        Attached.Builder attached =
                Attached.newBuilder().setStdoutOffset(stdoutOffset).setStderrOffset(stderrOffset);
        if (inputs.isPresent()) {
            inputs.get().takeOver(input, observer).ifPresent(attached::setStdin);
        } else {
            input.close();
        }
        return attached.build();
    }

    private void tellStart(ProcessLog.Reader reader) throws SandboxException, InterruptedException {
        input.close();
        Optional<LogEntry> first = LogFollower.next(reader, true);
        stop.disarm();
        if (first.isEmpty()) {
            observer.leftRunning();
        } else if (first.get().getEvent().hasTerminated()) {
            observer.finished(first.get().getEvent());
        } else {
            observer.detached(ProcessEvent.newBuilder()
                    .setStarted(first.get().getEvent().getStarted().toBuilder().setProcessId(process.getProcessId()))
                    .build());
        }
    }

    /** Does it on the calling thread, until the process has ended or the client has gone. */
    void execute() {
        // It is open before anything waits, so that nothing is dropped that was not read.
        try (use;
                ProcessLog.Reader reader = log.reader(stdoutOffset, stderrOffset, Instant.MIN)) {
            stop.arm();
            observer.sandbox(sandbox);
            if (detach) {
                tellStart(reader);
                return;
            }
            observer.attached(attached());
            Optional<ProcessEvent> end = LogFollower.tell(reader, observer);
            stop.disarm();
            if (end.isPresent()) {
                observer.finished(end.get());
            } else {
                observer.leftRunning();
            }
        } catch (InterruptedException e) {
            // Nobody is there to be told. What was taken of its input goes on its way.
            stop.disarm();
        } catch (SandboxException e) {
            stop.disarm();
            observer.failed(e);
        } catch (RuntimeException | Error e) {
            stop.disarm();
            LOG.error("{}: attaching: a fault of Barchan's own", sandbox.id(), e);
            observer.failed(
                    new SandboxException(SandboxException.Code.INTERNAL, "attaching to " + sandbox.id() + ": " + e, e));
        }
    }
}
