package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.StdinProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what a run's process does in a log, from which its client reads at its own pace; tells the client the rest at once. */
final class LogObserver implements RunObserver {
    private static final Logger LOG = LoggerFactory.getLogger(LogObserver.class);

    private final String name;
    private final ProcessLog log;
    private final Keeper keeper;
    private final RunObserver client;
    private final boolean detach;
    private final CountDownLatch finished = new CountDownLatch(1);
    private Optional<Thread> follower = Optional.empty();
    private boolean lost;
    /** Used by the thread that minds the sandbox. */
    private boolean recorded;

    /** Is told what is to be noted beside the log. */
    interface Keeper {
        /** The sandbox has changed. */
        default void changed(SandboxView sandbox) {}

        /** The process's end is in the log. */
        void ended();

        /** The process was never started. */
        void failed();
    }

    /**
     * @param name for threads and messages
     * @param detach whether the client is told no more than that the process has been started
     */
    LogObserver(String name, ProcessLog log, Keeper keeper, RunObserver client, boolean detach) {
        this.name = name;
        this.log = log;
        this.keeper = keeper;
        this.client = client;
        this.detach = detach;
    }

    @Override
    public void sandbox(SandboxView sandbox) {
        keeper.changed(sandbox);
        client.sandbox(sandbox);
    }

    @Override
    public void progress(Level level, String message) {
        client.progress(level, message);
    }

    @Override
    public void console(ByteString output) {
        client.console(output);
    }

    @Override
    public void event(ProcessEvent event) throws InterruptedException {
        log.append(event);
        if (event.hasStarted()) {
            if (detach) {
                client.detached(event);
            } else {
                follow();
            }
        }
    }

    private synchronized void follow() {
        if (lost) {
            return;
        }
        // Made here, so that nothing is removed that it has not read.
        ProcessLog.Reader reader = log.reader(0, 0, Instant.MIN);
        follower = Optional.of(Thread.ofVirtual().name("follow-" + name).start(() -> tell(reader)));
    }

    /** Tells the client what is in the log from its beginning on, until the process has ended or the log is closed. */
    private void tell(ProcessLog.Reader from) {
        try (ProcessLog.Reader reader = from) {
            Optional<ProcessEvent> end = LogFollower.tell(reader, client);
            if (end.isPresent()) {
                finished.await();
                client.finished(end.get());
            }
        } catch (InterruptedException e) {
            // The client is gone, or is told the rest by somebody else.
        } catch (SandboxException e) {
            LOG.warn("{}: {}", name, e.getMessage());
            client.failed(e);
        }
    }

    @Override
    public void changes(ByteString data) throws InterruptedException {
        client.changes(data);
    }

    @Override
    public void record(ProcessEvent termination) {
        try {
            recorded = log.end(termination.getTerminated());
        } catch (InterruptedException e) {
            // What ends the sandbox has been disarmed: it is the agent that is killed.
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void finished(ProcessEvent termination) {
        record(termination);
        keeper.ended();
        finished.countDown();
        if (!recorded || !isFollowed()) {
            client.finished(termination);
        }
    }

    private synchronized boolean isFollowed() {
        return follower.isPresent();
    }

    /** The agent lets go of the sandbox, whose process runs on: that is no end to keep. */
    @Override
    public void leftRunning() {
        clientLost();
        client.leftRunning();
    }

    @Override
    public void stdin(StdinProgress progress) {
        client.stdin(progress);
    }

    @Override
    public void failed(SandboxException reason) {
        keeper.failed();
        client.failed(reason);
    }

    @Override
    public synchronized void clientLost() {
        lost = true;
        follower.ifPresent(Thread::interrupt);
    }

    @Override
    public void reached(Phase phase) {
        client.reached(phase);
    }

    @Override
    public void guestDid(Map<String, Duration> steps) {
        client.guestDid(steps);
    }
}
