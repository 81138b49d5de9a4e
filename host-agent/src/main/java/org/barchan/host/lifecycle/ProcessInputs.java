package org.barchan.host.lifecycle;

import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.StdinProgress;

/**
 * Who writes to a process that several clients are attached to: the one that came last, so that each knows how much of what it has sent has
 * arrived. Safe for use by many threads.
 */
final class ProcessInputs {
    private record Streams(Guest guest, String processId, ProcessConnection connection) {}

    private record Writer(ProcessInput input, RunObserver client) {}

    private final boolean told;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Optional<Streams> streams = Optional.empty();
    private Optional<Writer> writer = Optional.empty();
    private boolean over;

    /** @param told whether a client is told what has arrived of what it has sent, so that it can go on from there when it was cut off */
    ProcessInputs(boolean told) {
        this.told = told;
    }

    /** The process's streams are connected: whoever waits may write now. */
    void connected(Guest guest, String processId, ProcessConnection connection) {
        lock.lock();
        try {
            streams = Optional.of(new Streams(guest, processId, connection));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The same, and that client is the first to write. */
    void connected(Guest guest, String processId, ProcessConnection connection, ProcessInput first, RunObserver client)
            throws InterruptedException {
        lock.lock();
        try {
            connected(guest, processId, connection);
            var _ = takeOver(first, client);
        } finally {
            lock.unlock();
        }
    }

    /** What the streams were connected by is gone; others may be connected. */
    void disconnected() {
        lock.lock();
        try {
            streams = Optional.empty();
            // It is not told that nothing is taken any more: with the next agent it goes on.
            writer.ifPresent(last -> last.input().giveWay());
            writer = Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Has a client write from now on, and no other. Blocks until the process's streams are connected.
     *
     * @return how far standard input has come; empty when the process takes no more
     */
    Optional<StdinProgress> takeOver(ProcessInput next, RunObserver client) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (streams.isEmpty() && !over) {
                changed.await();
            }
            if (over) {
                next.close();
                return Optional.empty();
            }
            Streams to = streams.orElseThrow();
            Optional<RunObserver> before = writer.map(Writer::client);
            dropWriter();
            before.ifPresent(other ->
                    other.progress(RunObserver.Level.WARNING, "another client writes to the command from now on"));
            StdinProgress stdin;
            try {
                stdin = to.connection().stdin();
            } catch (SandboxException e) {
                // The thread that takes the output sees the same, and says what came of the process.
                next.close();
                return Optional.empty();
            }
            writer = Optional.of(new Writer(next, client));
            next.start(to.guest(), to.processId(), to.connection(), progress -> tell(client, progress));
            return Optional.of(stdin);
        } finally {
            lock.unlock();
        }
    }

    private void tell(RunObserver client, StdinProgress progress) {
        if (told) {
            client.stdin(progress);
        }
    }

    /** What it has sent and was not passed on is dropped. */
    private void dropWriter() {
        writer.ifPresent(last -> {
            last.input().giveWay();
            tell(last.client(), StdinProgress.newBuilder().setClosed(true).build());
        });
        writer = Optional.empty();
    }

    /** The process takes no more. */
    void end() {
        lock.lock();
        try {
            over = true;
            dropWriter();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
