package org.barchan.cli;

import java.util.function.IntConsumer;

/**
 * Receives SIGHUP, SIGINT, SIGQUIT and SIGTERM, and what tells of changes of the terminal: SIGWINCH and SIGCONT. They are blocked from
 * the start on, in all threads (see standard.c), and one thread waits for them.
 */
final class Signals {
    static final int SIGHUP = 1;
    static final int SIGINT = 2;
    static final int SIGQUIT = 3;
    static final int SIGPIPE = 13;
    static final int SIGTERM = 15;
    static final int SIGCONT = 18;
    static final int SIGWINCH = 28;

    private static volatile IntConsumer handler = Signals::endUnlessIgnored;

    private static volatile Runnable last = () -> {};

    private Signals() {}

    /** Ends this process at once, as nothing is left to be done, and leaves the terminal as it was. */
    static void exit(int status) {
        last.run();
        LocalTerminal.close();
        NativeCalls.exit(status);
    }

    /** Has something done when this process ends, in place of what was to be done before. */
    static void beforeExit(Runnable task) {
        last = task;
    }

    /** Has signals end this process, as they do without a handler, until somebody {@linkplain #receive receives} them. */
    static void start() {
        Thread.ofPlatform().daemon().name("barchan-signals").start(() -> {
            for (int signal = NativeCalls.awaitSignal(); signal > 0; signal = NativeCalls.awaitSignal()) {
                deliver(signal);
            }
        });
    }

    @SuppressWarnings("CatchingUnchecked") // without this thread, nothing but SIGKILL would end this process
    private static void deliver(int signal) {
        try {
            handler.accept(signal);
        } catch (RuntimeException | Error e) {
            Messages.warning("a fault of Barchan's own at signal " + signal + ": " + e);
        }
    }

    private static void endUnlessIgnored(int signal) {
        if (signal != SIGWINCH && signal != SIGCONT && !Caller.current().ignores(signal)) {
            exit(ExitStatus.ofSignal(signal));
        }
    }

    /** Calls {@code taker} on a thread of its own for each signal from now on, but for those that the caller ignores. */
    static void receive(Caller caller, IntConsumer taker) {
        handler = signal -> {
            if (!caller.ignores(signal)) {
                taker.accept(signal);
            }
        };
    }
}
