package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.StdinProgress;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client sends to its process: kept until the process runs, then passed on in order, standard input and the rest each by a thread
 * of its own, since a process that does not read must still get its signals. Safe for use by many threads.
 */
public final class ProcessInput implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessInput.class);

    /** The kernel has a limit of this kind, too (RLIMIT_SIGPENDING). */
    private static final int MAX_SIGNALS = 1024;

    private static final int FIRST_REALTIME_SIGNAL = 32;

    private final String owner;
    private final boolean redraw;
    private final BlockingQueue<Stdin> stdin = new LinkedBlockingQueue<>();
    private final BlockingQueue<Control> controls = new LinkedBlockingQueue<>(MAX_SIGNALS);
    private Optional<Thread> stdinThread = Optional.empty();
    private Optional<Thread> controlThread = Optional.empty();
    private volatile boolean closed;

    /** @param redraw whether what is on the process's terminal is to be drawn anew when its size becomes known: its client has not seen it */
    ProcessInput(String owner, boolean redraw) {
        this.owner = owner;
        this.redraw = redraw;
    }

    /**
     * Passes bytes on to standard input. Never blocks.
     *
     * @param taken is run when the bytes have been taken, or nobody will take them any more
     */
    public void data(ByteString bytes, Runnable taken) {
        stdin.add(new Stdin.Data(bytes, taken));
        if (closed) {
            drop();
        }
    }

    /** Ends standard input. */
    public void end() {
        stdin.add(new Stdin.End());
    }

    /** Sends a signal; as with the kernel, an ordinary one that is pending already is not there twice (signal(7)). */
    public void signal(int number) {
        Control signal = new Control.Signal(number);
        if (number >= FIRST_REALTIME_SIGNAL || !controls.contains(signal)) {
            add(signal);
        }
    }

    /** Gives the terminal of the process another size; only the last one counts. */
    public void resize(TerminalSize size) {
        controls.removeIf(Control.Resize.class::isInstance);
        add(new Control.Resize(size));
    }

    private void add(Control control) {
        if (!controls.offer(control)) {
            LOG.warn("{}: {} from the client is dropped: {} are pending", owner, control, MAX_SIGNALS);
        }
    }

    /**
     * The process runs: passes on what has come and what will.
     *
     * @param progress told how far standard input has come
     */
    void start(Guest guest, String processId, ProcessConnection connection, Consumer<StdinProgress> progress) {
        stdinThread =
                Optional.of(Thread.ofVirtual().name(owner + "-stdin").start(() -> pumpStdin(connection, progress)));
        controlThread =
                Optional.of(Thread.ofVirtual().name(owner + "-controls").start(() -> pumpControls(guest, processId)));
    }

    private void pumpStdin(ProcessConnection connection, Consumer<StdinProgress> progress) {
        boolean wanted = true;
        try {
            while (true) {
                switch (stdin.take()) {
                    case Stdin.Data(ByteString bytes, Runnable taken) -> {
                        // Goes on after the process has closed its end, so that the client gets rid of what it sends.
                        try {
                            boolean was = wanted;
                            wanted = wanted && connection.write(bytes);
                            if (was) {
                                progress.accept(connection.stdin());
                            }
                        } finally {
                            taken.run();
                        }
                    }
                    case Stdin.End() -> {
                        connection.closeStdin();
                        return;
                    }
                }
            }
        } catch (InterruptedException e) {
            // The run is over.
        } catch (SandboxException e) {
            // The thread that takes the output sees the same and says so.
            LOG.debug("{}: passing on standard input: {}", owner, e.getMessage());
        }
    }

    private void pumpControls(Guest guest, String processId) {
        boolean hidden = redraw;
        try {
            while (true) {
                switch (controls.take()) {
                    case Control.Signal(int number) -> {
                        LOG.info("{}: signal {} from the client", owner, number);
                        guest.signal(processId, number, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
                    }
                    case Control.Resize(TerminalSize size) -> {
                        if (hidden) {
                            // A program that is told of no other size has nothing to draw.
                            guest.resizeTerminal(processId, other(size));
                            hidden = false;
                        }
                        guest.resizeTerminal(processId, size);
                    }
                }
            }
        } catch (InterruptedException e) {
            // The run is over.
        } catch (SandboxException e) {
            LOG.warn("{}: passing on a signal or a size: {}", owner, e.getMessage());
        }
    }

    private static TerminalSize other(TerminalSize size) {
        return size.toBuilder()
                .setRows(size.getRows() > 1 ? size.getRows() - 1 : size.getRows() + 1)
                .build();
    }

    /** As {@link #close}; returns when nothing more is passed on. */
    void giveWay() {
        close();
        boolean interrupted = false;
        while (stdinThread.isPresent() && stdinThread.get().isAlive()) {
            try {
                // It waits for nothing but what an interrupt ends.
                stdinThread.get().join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        drop();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        stdinThread.ifPresent(Thread::interrupt);
        controlThread.ifPresent(Thread::interrupt);
        closed = true;
        drop();
    }

    /** The process takes no more: its client gets rid of what it has sent, and is asked for what comes behind. */
    private void drop() {
        for (Stdin next = stdin.poll(); next != null; next = stdin.poll()) {
            if (next instanceof Stdin.Data(ByteString _, Runnable taken)) {
                taken.run();
            }
        }
    }

    private sealed interface Control {
        record Signal(int number) implements Control {}

        record Resize(TerminalSize size) implements Control {}
    }

    private sealed interface Stdin {
        record Data(ByteString bytes, Runnable taken) implements Stdin {}

        record End() implements Stdin {}
    }
}
