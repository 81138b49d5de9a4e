package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.TerminationCause;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client sends to its process: kept until the process runs, then passed on in order, standard input and signals each by a thread
 * of its own, since a process that does not read must still get its signals. Safe for use by many threads.
 */
final class ProcessInput implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessInput.class);

    /** The kernel has a limit of this kind, too (RLIMIT_SIGPENDING). */
    private static final int MAX_SIGNALS = 1024;

    private static final int FIRST_REALTIME_SIGNAL = 32;

    private final String owner;
    private final BlockingQueue<Stdin> stdin = new LinkedBlockingQueue<>();
    private final BlockingQueue<Integer> signals = new LinkedBlockingQueue<>(MAX_SIGNALS);
    private Optional<Thread> stdinThread = Optional.empty();
    private Optional<Thread> signalThread = Optional.empty();

    ProcessInput(String owner) {
        this.owner = owner;
    }

    /** @param taken is run when the bytes have been taken, or nobody will take them any more */
    void data(ByteString bytes, Runnable taken) {
        stdin.add(new Stdin.Data(bytes, taken));
    }

    void end() {
        stdin.add(new Stdin.End());
    }

    /** As with the kernel, an ordinary signal that is pending already is not there twice (signal(7)). */
    void signal(int number) {
        if (number >= FIRST_REALTIME_SIGNAL || !signals.contains(number)) {
            if (!signals.offer(number)) {
                LOG.warn("{}: signal {} from the client is dropped: {} are pending", owner, number, MAX_SIGNALS);
            }
        }
    }

    /** The process runs: passes on what has come and what will. */
    void start(Guest guest, String processId, ProcessConnection connection) {
        stdinThread = Optional.of(Thread.ofVirtual().name(owner + "-stdin").start(() -> pumpStdin(connection)));
        signalThread =
                Optional.of(Thread.ofVirtual().name(owner + "-signals").start(() -> pumpSignals(guest, processId)));
    }

    private void pumpStdin(ProcessConnection connection) {
        boolean wanted = true;
        try {
            while (true) {
                switch (stdin.take()) {
                    case Stdin.Data(ByteString bytes, Runnable taken) -> {
                        // Goes on after the process has closed its end, so that the client gets rid of what it sends.
                        wanted = wanted && connection.write(bytes);
                        taken.run();
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

    private void pumpSignals(Guest guest, String processId) {
        try {
            while (true) {
                int number = signals.take();
                LOG.info("{}: signal {} from the client", owner, number);
                guest.signal(processId, number, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
            }
        } catch (InterruptedException e) {
            // The run is over.
        } catch (SandboxException e) {
            LOG.warn("{}: passing on a signal: {}", owner, e.getMessage());
        }
    }

    @Override
    public void close() {
        stdinThread.ifPresent(Thread::interrupt);
        signalThread.ifPresent(Thread::interrupt);
    }

    private sealed interface Stdin {
        record Data(ByteString bytes, Runnable taken) implements Stdin {}

        record End() implements Stdin {}
    }
}
