package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Child;
import org.barchan.guest.syscall.Linux.Spawned;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.v1.Lost;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SpawnError;
import org.barchan.v1.SpawnStep;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.jspecify.annotations.Nullable;

/**
 * One process: two threads take in its output, one feeds its standard input, and the reaper says how it ended. Its terminal record is
 * made once its output has been read to the end, or a little later if something that it left behind holds the output open.
 *
 * <p>Its monitor guards all its state; whoever waits for output, room or the end waits on it.
 */
public final class GuestProcess {
    /** How long output is awaited after the process has ended, from what it has left behind. */
    private static final long DRAIN_NANOS = 500_000_000L;

    /** More than any pipe holds: what was written before the end has been read once this much was read after it. */
    private static final int DRAIN_BYTES = 1024 * 1024;

    private final int pid;
    private final @Nullable SpawnError spawnError;
    private final int exitEvent;
    private final OutputBuffer stdout = new OutputBuffer();
    private final OutputBuffer stderr = new OutputBuffer();
    private final StdinBuffer stdin = new StdinBuffer();
    private int openOutputs = 2;
    private boolean outputAbandoned;
    private TerminationCause requestedCause = TerminationCause.TERMINATION_CAUSE_UNSPECIFIED;
    private int requestedSignal;
    private @Nullable Child exit;
    private long exitNanos;
    private @Nullable Termination termination;
    private @Nullable Object attachment;

    private GuestProcess(int pid, @Nullable SpawnError spawnError, int exitEvent) {
        this.pid = pid;
        this.spawnError = spawnError;
        this.exitEvent = exitEvent;
    }

    static GuestProcess spawn(ProcessSpec spec, int sandbox) throws Errno {
        int[] in = Linux.pipe();
        int[] out = Linux.pipe();
        int[] err = Linux.pipe();
        // All that may fail, before there is a process that nobody would know of.
        for (int fd : new int[] {in[1], out[0], err[0]}) {
            Linux.setNonblocking(fd);
        }
        int exitEvent = Linux.eventfd();
        SpawnRequest request = SpawnRequest.of(spec, sandbox, in[0], out[1], err[1]);
        Spawned spawned = Linux.spawn(request.strings(), request.numbers());
        for (int fd : new int[] {in[0], out[1], err[1]}) {
            Linux.close(fd);
        }
        if (spawned.pid() < 0) {
            for (int fd : new int[] {in[1], out[0], err[0], exitEvent}) {
                Linux.close(fd);
            }
            return notStarted(spec, spawned);
        }
        GuestProcess process = new GuestProcess(spawned.pid(), null, exitEvent);
        process.startThread("stdout", () -> process.takeIn(out[0], process.stdout));
        process.startThread("stderr", () -> process.takeIn(err[0], process.stderr));
        process.startThread("stdin", () -> process.feed(in[1]));
        return process;
    }

    private static GuestProcess notStarted(ProcessSpec spec, Spawned spawned) {
        SpawnStep step = SpawnStep.forNumber(spawned.failedStep());
        SpawnStep known = step == null ? SpawnStep.SPAWN_STEP_CREATE : step;
        String subject = switch (known) {
            case SPAWN_STEP_EXEC -> spec.getArgv(0).toStringUtf8();
            case SPAWN_STEP_CHDIR ->
                "working directory " + spec.getWorkingDirectory().toStringUtf8();
            case SPAWN_STEP_CREDENTIALS -> "take on uid " + spec.getIdentity().getUid();
            case SPAWN_STEP_CREATE, SPAWN_STEP_UNSPECIFIED, UNRECOGNIZED -> "create the process";
        };
        SpawnError error = SpawnError.newBuilder()
                .setStep(known)
                .setErrno(spawned.errno())
                .setMessage(subject + ": " + Errno.describe(spawned.errno()))
                .build();
        GuestProcess process = new GuestProcess(-1, error, -1);
        process.openOutputs = 0;
        process.stdin.close();
        process.termination = Termination.newBuilder()
                .setSpawnError(error)
                .setCause(TerminationCause.TERMINATION_CAUSE_NOT_STARTED)
                .build();
        return process;
    }

    private void startThread(String name, Runnable work) {
        Thread thread = new Thread(null, work, name + " " + pid, 128 * 1024);
        thread.setDaemon(true);
        thread.start();
    }

    /** Returns its process id as the init sees it, or -1 when it was not started. */
    public int pid() {
        return pid;
    }

    /** Returns why it was not started, if so. */
    public Optional<SpawnError> spawnError() {
        return Optional.ofNullable(spawnError);
    }

    /** Sends a signal to its group, unless it has ended. */
    public synchronized void signal(int signal, TerminationCause cause) throws Errno {
        if (exit != null || spawnError != null) {
            return;
        }
        if (requestedCause != TerminationCause.TERMINATION_CAUSE_TIMEOUT) {
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

    /** Returns its terminal record once it has one. */
    public synchronized Termination awaitTermination() throws InterruptedException {
        while (termination == null) {
            wait();
        }
        return termination;
    }

    void exited(Child child) {
        synchronized (this) {
            exit = child;
            exitNanos = System.nanoTime();
            stdin.close();
            finishIfDrained();
            notifyAll();
        }
        Linux.signalEvent(exitEvent);
    }

    // ---- output ----

    private void takeIn(int fd, OutputBuffer buffer) {
        byte[] bytes = new byte[OutputBuffer.MAX_CHUNK];
        long readAfterExit = 0;
        boolean abandoned = false;
        try {
            while (true) {
                if (!awaitReadable(fd, readAfterExit)) {
                    abandoned = true;
                    break;
                }
                int n = Linux.read(fd, bytes, 0, bytes.length);
                if (n == -Errno.EAGAIN) {
                    continue; // The application may read its own pipe.
                }
                if (n <= 0) {
                    break;
                }
                boolean exited = append(buffer, bytes, n);
                readAfterExit += exited ? n : 0;
                bytes = n > bytes.length / 2 ? new byte[OutputBuffer.MAX_CHUNK] : bytes;
            }
        } catch (Errno | InterruptedException e) {
            abandoned = true;
        } finally {
            Linux.close(fd);
        }
        synchronized (this) {
            outputAbandoned |= abandoned;
            openOutputs--;
            finishIfDrained();
            notifyAll();
        }
    }

    /** Returns false when the process has ended and its output, though still open, is not worth waiting for any more. */
    private boolean awaitReadable(int fd, long readAfterExit) throws Errno {
        while (true) {
            long left;
            synchronized (this) {
                left = exit == null ? Long.MAX_VALUE : exitNanos + DRAIN_NANOS - System.nanoTime();
            }
            if (left <= 0 && readAfterExit >= DRAIN_BYTES) {
                return false;
            }
            boolean running = left == Long.MAX_VALUE;
            int millis = running ? -1 : (int) Math.max(0, (left + 999_999) / 1_000_000);
            int events = Linux.poll(fd, Linux.POLLIN, running ? exitEvent : -1, Linux.POLLIN, millis);
            if ((events & 0xFFFF) != 0) {
                return true;
            }
            if (!running && left <= 0) {
                return false;
            }
        }
    }

    private synchronized boolean append(OutputBuffer buffer, byte[] bytes, int n) throws InterruptedException {
        // What is left after the end is taken in whether anybody reads or not: there has to be an end.
        while (!buffer.hasRoom() && (exit == null || buffer.size() >= OutputBuffer.CAPACITY + DRAIN_BYTES)) {
            wait();
        }
        // A large piece is handed over as it is, a small one is copied so that it does not keep the whole array alive.
        buffer.append(
                n > bytes.length / 2 ? UnsafeByteOperations.unsafeWrap(bytes, 0, n) : ByteString.copyFrom(bytes, 0, n));
        notifyAll();
        return exit != null;
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
        boolean timeout = requestedCause == TerminationCause.TERMINATION_CAUSE_TIMEOUT;
        boolean requested = requestedSignal != 0 && requestedSignal == exit.signal();
        if (timeout || (signalled && requested)) {
            record.setCause(requestedCause);
        } else {
            record.setCause(
                    signalled
                            ? TerminationCause.TERMINATION_CAUSE_SIGNALLED
                            : TerminationCause.TERMINATION_CAUSE_EXITED);
        }
        termination = record.build();
    }

    // ---- input ----

    private void feed(int fd) {
        try {
            while (true) {
                ByteString data = awaitInput();
                if (data == null || !writeAll(fd, data.toByteArray())) {
                    break;
                }
            }
        } catch (InterruptedException e) {
            // Nobody does; then the process reads the end of its input.
        } finally {
            synchronized (this) {
                stdin.close();
                notifyAll();
            }
            Linux.close(fd);
        }
    }

    private synchronized @Nullable ByteString awaitInput() throws InterruptedException {
        while (true) {
            ByteString data = stdin.poll();
            if (data != null || stdin.isFinished()) {
                return data;
            }
            wait();
        }
    }

    /** Returns false when nobody reads any more. */
    private boolean writeAll(int fd, byte[] bytes) {
        int at = 0;
        while (at < bytes.length) {
            int n = Linux.write(fd, bytes, at, bytes.length - at);
            if (n > 0) {
                at += n;
                synchronized (this) {
                    stdin.countWritten(n);
                    notifyAll();
                }
            } else if (n != -Errno.EAGAIN || !awaitWritable(fd)) {
                return false;
            }
        }
        return true;
    }

    private boolean awaitWritable(int fd) {
        try {
            int events = Linux.poll(fd, Linux.POLLOUT, exitEvent, Linux.POLLIN, -1);
            return events >> 16 == 0 && (events & Linux.POLLERR) == 0;
        } catch (Errno e) {
            return false;
        }
    }

    // ---- the agent's side ----

    /**
     * Makes a caller the one that output is sent to, from the given offsets on; whoever was it before is told by
     * {@link #next} that it is over.
     *
     * @throws IllegalArgumentException when an offset is not available
     */
    public synchronized void attach(Object caller, long stdoutOffset, long stderrOffset) {
        stdout.seek(stdoutOffset);
        stderr.seek(stderrOffset);
        attachment = caller;
        notifyAll();
    }

    public synchronized void detach(Object caller) {
        if (caller.equals(attachment)) {
            attachment = null;
        }
        notifyAll();
    }

    /** Wakes whoever waits in {@link #next}. */
    public synchronized void wake() {
        notifyAll();
    }

    /** Tells {@link #next} whether its caller can take a message. */
    public interface Readiness {
        boolean isReady();
    }

    /**
     * Blocks until there is something to send to an attached caller: a window for standard input, output, or the termination, which
     * is the last.
     *
     * @param windowSent the window that the caller was told last, the empty message if none
     * @return null when the caller is attached no more
     */
    public synchronized @Nullable ProcessIoResponse next(Object caller, Readiness readiness, StdinWindow windowSent)
            throws InterruptedException {
        while (caller.equals(attachment)) {
            if (readiness.isReady()) {
                if (windowIsNews(windowSent)) {
                    return ProcessIoResponse.newBuilder()
                            .setStdinWindow(window())
                            .build();
                }
                if (stderr.hasUnsent()) {
                    return output(OutputStream.OUTPUT_STREAM_STDERR, stderr);
                }
                if (stdout.hasUnsent()) {
                    return output(OutputStream.OUTPUT_STREAM_STDOUT, stdout);
                }
                if (termination != null) {
                    return ProcessIoResponse.newBuilder()
                            .setTerminated(termination)
                            .build();
                }
            }
            wait();
        }
        return null;
    }

    private boolean windowIsNews(StdinWindow sent) {
        return sent.getLimit() == 0
                || (stdin.isClosed() && !sent.getClosed())
                || (!stdin.isClosed() && stdin.limit() - sent.getLimit() >= StdinBuffer.WINDOW / 4);
    }

    private StdinWindow window() {
        return StdinWindow.newBuilder()
                .setReceived(stdin.received())
                .setLimit(stdin.limit())
                .setClosed(stdin.isClosed())
                .build();
    }

    private static ProcessIoResponse output(OutputStream stream, OutputBuffer buffer) {
        ProcessOutput.Builder output =
                ProcessOutput.newBuilder().setStream(stream).setOffset(buffer.sent());
        return ProcessIoResponse.newBuilder()
                .setOutput(output.setData(buffer.take()))
                .build();
    }

    public synchronized void acknowledge(long stdoutOffset, long stderrOffset) {
        stdout.acknowledge(stdoutOffset);
        stderr.acknowledge(stderrOffset);
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
}
