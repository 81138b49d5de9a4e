package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Child;
import org.barchan.guest.v1.OutputAckWanted;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.link.OutputHeader;
import org.barchan.v1.Lost;
import org.barchan.v1.OutputStream;
import org.barchan.v1.SpawnError;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.jspecify.annotations.Nullable;

/**
 * One process: two threads take in its output, one feeds its standard input, and the reaper says how it ended. Its terminal record is
 * made once its output has been read to the end, or a little later if something that it left behind holds the output open.
 *
 * <p>Its monitor guards all its state; its threads wait on it for room, for input and for the end. Whoever is attached is told of news
 * outside the monitor, by the thread that brings it.
 */
public final class GuestProcess {
    /** What takes the output of a process. */
    public interface Outlet {
        /** There may be a {@link GuestProcess#next next} message or output. Called by any thread, also by several at a time. */
        void news();

        /** Sends output; returns when it is sent. The bytes are in their place until they are acknowledged. */
        void output(OutputStream stream, long offset, byte[] array, int from, int length) throws IOException;
    }

    /**
     * What all processes share.
     *
     * @param output memory for what they have written
     * @param input memory for what they are to read
     * @param threads run what reads and writes their streams
     */
    record Shared(BufferMemory output, BufferMemory input, Executor threads) {}

    private final int pid;
    private final @Nullable SpawnError spawnError;
    private final int exitEvent;
    private final OutputBuffer stdout;
    private final OutputBuffer stderr;
    private final StdinBuffer stdin;
    private boolean stderrIsNext = true;
    private int openOutputs;
    /** The readers, the feeder, the reaper: the last of them closes the event. */
    private int exitEventUsers;

    /** The init's side of its terminal while it runs; -1 if it has none. */
    private int terminal = -1;

    private boolean outputAbandoned;
    private TerminationCause requestedCause = TerminationCause.TERMINATION_CAUSE_UNSPECIFIED;
    private int requestedSignal;
    private @Nullable Child exit;
    private boolean outOfMemory;
    private long exitNanos;
    private @Nullable Termination termination;
    private @Nullable Outlet attachment;
    private boolean acknowledgementAsked;
    /** Is told of its end by whoever wants to know nothing else of it any more. */
    private @Nullable Runnable forgetting;

    private boolean released;

    private GuestProcess(int pid, @Nullable SpawnError spawnError, int exitEvent, Shared shared) {
        this.stdout = new OutputBuffer(shared.output());
        this.stderr = new OutputBuffer(shared.output());
        this.stdin = new StdinBuffer(shared.input());
        this.pid = pid;
        this.spawnError = spawnError;
        this.exitEvent = exitEvent;
    }

    /**
     * Returns one that has been started, whose descriptors are the new process's to close from now on.
     *
     * @param exitEvent an eventfd, for what waits for its output to be told of its end
     * @param terminal the init's side of its terminal; -1 if it has none
     * @param in takes its standard input; the terminal, if it has one
     * @param err where its standard error comes; empty if it comes with its standard output
     */
    static GuestProcess started(
            Shared shared, int pid, int exitEvent, int terminal, int in, int out, Optional<Integer> err) {
        GuestProcess process = new GuestProcess(pid, null, exitEvent, shared);
        process.terminal = terminal;
        process.start(shared.threads(), in, out, err);
        return process;
    }

    /** Returns one that could not be started. */
    static GuestProcess notStarted(Shared shared, SpawnError error) {
        GuestProcess process = new GuestProcess(-1, error, -1, shared);
        process.stdin.close();
        process.termination = Termination.newBuilder()
                .setSpawnError(error)
                .setCause(TerminationCause.TERMINATION_CAUSE_NOT_STARTED)
                .build();
        return process;
    }

    private void start(Executor threads, int in, int out, Optional<Integer> err) {
        openOutputs = err.isPresent() ? 2 : 1;
        exitEventUsers = openOutputs + 2;
        threads.execute(new OutputReader(this, stdout, out, exitEvent));
        err.ifPresent(fd -> threads.execute(new OutputReader(this, stderr, fd, exitEvent)));
        threads.execute(new StdinFeeder(this, in, err.isEmpty(), exitEvent));
    }

    /** Returns its process id as the init sees it, or -1 when it was not started. */
    public int pid() {
        return pid;
    }

    /** Sends a signal to its group, unless it has ended. */
    public synchronized void signal(int signal, TerminationCause cause) throws Errno {
        if (exit != null || spawnError != null) {
            return;
        }
        if (!isTimeUp(requestedCause)) {
            requestedCause = cause;
            requestedSignal = signal;
        }
        try {
            Linux.kill(-pid, signal);
        } catch (Errno e) {
            if (e.number() != Errno.ESRCH) { // It ended just now.
                throw e;
            }
        }
    }

    /** Gives its terminal another size, if it has one and has not ended. */
    public synchronized void resizeTerminal(TerminalSize size) throws Errno {
        if (terminal >= 0) {
            Linux.resizeTerminal(terminal, size.getRows(), size.getColumns());
        }
    }

    /** Returns its terminal record once it has one. */
    public synchronized Termination awaitTermination() throws InterruptedException {
        while (termination == null) {
            wait();
        }
        return termination;
    }

    /** @param outOfMemory whether the kernel has ended it for lack of memory */
    void exited(Child child, boolean outOfMemory) {
        synchronized (this) {
            exit = child;
            this.outOfMemory = outOfMemory;
            exitNanos = System.nanoTime() | 1;
            stdin.close();
            if (terminal >= 0) {
                Linux.close(terminal);
                terminal = -1;
            }
            finishIfDrained();
            notifyAll();
        }
        Linux.signalEvent(exitEvent);
        releaseExitEvent();
        tellAttached();
        forgetIfEnded();
    }

    private synchronized void releaseExitEvent() {
        exitEventUsers--;
        if (exitEventUsers == 0) {
            Linux.close(exitEvent);
        }
    }

    private void tellAttached() {
        Outlet attached;
        synchronized (this) {
            attached = attachment;
        }
        if (attached != null) {
            attached.news();
        }
    }

    // ---- what its threads do ----

    /**
     * Blocks until output may be read; returns how much, 0 when it is not worth waiting any more: the process has ended, all that it
     * wrote is there, and what it left behind writes more than anybody takes.
     */
    int awaitRoom(OutputBuffer buffer) throws InterruptedException {
        while (true) {
            synchronized (this) {
                // What is left after the end is taken in whether anybody reads or not: there has to be an end.
                int limit = OutputBuffer.CAPACITY + (exit == null ? 0 : OutputReader.DRAIN_BYTES);
                boolean starved = buffer.isStarved();
                if (!buffer.isFull(limit) && buffer.makeRoom()) {
                    return buffer.room();
                }
                if (buffer.isStarved() == starved) {
                    if (exit == null || (!buffer.isFull(limit) && attachment != null)) {
                        wait();
                        continue;
                    }
                    long left = exitNanos + OutputReader.DRAIN_NANOS - System.nanoTime();
                    if (left <= 0) {
                        return 0;
                    }
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                    continue;
                }
            }
            // An acknowledgement has to be asked for.
            tellAttached();
        }
    }

    /** Takes note of output that was read into the room; returns {@link #exitNanos}. */
    long committed(OutputBuffer buffer, int bytes) {
        long exited;
        synchronized (this) {
            buffer.commit(bytes);
            if (forgetting != null) {
                buffer.discard();
            }
            exited = exitNanos;
        }
        tellAttached();
        return exited;
    }

    /** Returns when the process ended, by System.nanoTime; 0 if it has not. */
    synchronized long exitNanos() {
        return exitNanos;
    }

    void outputEnded(boolean abandoned) {
        synchronized (this) {
            outputAbandoned |= abandoned;
            openOutputs--;
            finishIfDrained();
            notifyAll();
        }
        releaseExitEvent();
        tellAttached();
        forgetIfEnded();
    }

    /** Blocks until there is standard input; returns null at its end. */
    synchronized @Nullable ByteString awaitInput() throws InterruptedException {
        while (true) {
            ByteString data = stdin.poll();
            if (data != null || stdin.isFinished()) {
                return data;
            }
            wait();
        }
    }

    void inputWritten(int bytes) {
        synchronized (this) {
            stdin.countWritten(bytes);
        }
        tellAttached();
    }

    void inputEnded() {
        synchronized (this) {
            stdin.close();
        }
        releaseExitEvent();
        tellAttached();
    }

    private void finishIfDrained() {
        if (exit == null || openOutputs > 0 || termination != null) {
            return;
        }
        boolean signalled = exit.signal() != 0;
        Termination.Builder record = Termination.newBuilder()
                .setStdoutBytes(stdout.end())
                .setStderrBytes(stderr.end())
                .setOutputAbandoned(outputAbandoned);
        if (signalled) {
            record.setSignal(exit.signal());
        } else if (exit.exited() >= 0) {
            record.setExitCode(exit.exited());
        } else {
            record.setLost(Lost.newBuilder().setReason("the kernel reported neither an exit nor a signal"));
        }
        boolean requested = requestedSignal != 0 && requestedSignal == exit.signal();
        if (isTimeUp(requestedCause) || (signalled && requested)) {
            record.setCause(requestedCause);
        } else {
            record.setCause(
                    !signalled
                            ? TerminationCause.TERMINATION_CAUSE_EXITED
                            : outOfMemory
                                    ? TerminationCause.TERMINATION_CAUSE_OUT_OF_MEMORY
                                    : TerminationCause.TERMINATION_CAUSE_SIGNALLED);
        }
        termination = record.build();
    }

    /** Of what has time to end by itself, however it ends then. */
    private static boolean isTimeUp(TerminationCause cause) {
        return cause == TerminationCause.TERMINATION_CAUSE_TIMEOUT
                || cause == TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME
                || cause == TerminationCause.TERMINATION_CAUSE_IDLE;
    }

    // ---- the agent's side ----

    /**
     * Makes an outlet the one that output is sent to, from the given offsets on; whoever it was before is told that there is news, and
     * then that it is not attached.
     *
     * @throws IllegalArgumentException when an offset is not available
     */
    public void attach(Outlet outlet, long stdoutOffset, long stderrOffset) {
        Outlet before;
        synchronized (this) {
            acknowledgementAsked = false;
            stdout.seek(stdoutOffset);
            stderr.seek(stderrOffset);
            before = attachment;
            attachment = outlet;
        }
        if (before != null) {
            before.news();
        }
    }

    public synchronized void detach(Outlet outlet) {
        if (outlet.equals(attachment)) {
            attachment = null;
        }
    }

    public synchronized boolean isAttached(Outlet outlet) {
        return outlet.equals(attachment);
    }

    /**
     * Returns the next message to send to an attached outlet: a window for standard input, or the termination, which is the last.
     *
     * @param windowSent the window that was sent last, the empty message if none
     * @return null when there is none now, or the outlet is not attached
     */
    public synchronized @Nullable ProcessIoResponse next(Outlet outlet, StdinWindow windowSent) {
        if (!outlet.equals(attachment)) {
            return null;
        }
        if (windowIsNews(windowSent)) {
            return ProcessIoResponse.newBuilder().setStdinWindow(window()).build();
        }
        if (!acknowledgementAsked && (isStarved(stdout) || isStarved(stderr))) {
            acknowledgementAsked = true;
            return ProcessIoResponse.newBuilder()
                    .setOutputAckWanted(OutputAckWanted.getDefaultInstance())
                    .build();
        }
        return termination == null || stdout.hasUnsent() || stderr.hasUnsent()
                ? null
                : ProcessIoResponse.newBuilder().setTerminated(termination).build();
    }

    /**
     * Sends a piece of output to an attached outlet.
     *
     * @return false when there is none that may be sent now, or the outlet is not attached
     */
    public boolean sendOutput(Outlet outlet) throws IOException {
        OutputStream stream;
        long offset;
        byte[] array;
        int from;
        int length;
        synchronized (this) {
            if (!outlet.equals(attachment)) {
                return false;
            }
            // In turn while both have something: neither waits for the end of the other.
            boolean error = stderr.sendable() > 0 && (stderrIsNext || stdout.sendable() == 0);
            stderrIsNext = !error;
            OutputBuffer buffer = error ? stderr : stdout;
            stream = error ? OutputStream.OUTPUT_STREAM_STDERR : OutputStream.OUTPUT_STREAM_STDOUT;
            offset = buffer.sent();
            array = buffer.array();
            from = buffer.sendIndex();
            length = Math.min(buffer.sendable(), OutputHeader.MAX_DATA);
            if (length == 0) {
                return false;
            }
            buffer.countSent(length);
        }
        outlet.output(stream, offset, array, from, length);
        return true;
    }

    private static boolean isStarved(OutputBuffer buffer) {
        return !buffer.hasUnsent() && buffer.isStarved();
    }

    private boolean windowIsNews(StdinWindow sent) {
        return sent.getLimit() == 0
                || (stdin.isClosed() && !sent.getClosed())
                || (!stdin.isClosed() && stdin.limit() - sent.getLimit() >= stdin.window() / 4);
    }

    private StdinWindow window() {
        return StdinWindow.newBuilder()
                .setReceived(stdin.received())
                .setLimit(stdin.limit())
                .setClosed(stdin.isClosed())
                .build();
    }

    public synchronized void acknowledge(long stdoutOffset, long stderrOffset) {
        stdout.acknowledge(stdoutOffset);
        stderr.acknowledge(stderrOffset);
        acknowledgementAsked = false;
        notifyAll();
    }

    /** Takes in standard input; see {@link StdinBuffer#receive}. */
    public synchronized void receiveStdin(long offset, ByteString data) {
        stdin.receive(offset, data);
        notifyAll();
    }

    public synchronized void endStdin() {
        stdin.end();
        notifyAll();
    }

    /**
     * Throws away its output from now on, and its input.
     *
     * @param whenEnded is run once it has ended: at once, if it has
     */
    void forget(Runnable whenEnded) {
        synchronized (this) {
            forgetting = whenEnded;
            stdout.discard();
            stderr.discard();
            stdin.close();
            notifyAll();
        }
        tellAttached();
        forgetIfEnded();
    }

    /** There may be memory for what it writes. */
    synchronized void memoryFreed() {
        notifyAll();
    }

    private void forgetIfEnded() {
        Runnable forgotten;
        synchronized (this) {
            forgotten = termination == null || released ? null : forgetting;
            if (forgotten != null) {
                released = true;
                stdin.release();
                stdout.release();
                stderr.release();
            }
        }
        if (forgotten != null) {
            forgotten.run();
        }
    }
}
