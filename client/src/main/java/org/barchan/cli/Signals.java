package org.barchan.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Receives SIGHUP, SIGINT, SIGQUIT and SIGTERM, and what tells of changes of the terminal: SIGWINCH and SIGCONT.
 *
 * <p>Java can't: its virtual machine keeps SIGQUIT for itself, and gives it back (-Xrs) only together with the others. So bin/barchan
 * starts Java with -Xrs and with the six blocked, for all threads that there will ever be, and one thread waits for them with
 * sigwait(3). None is lost while Java starts: they stay pending. Where bin/barchan could not block them (env(1) before coreutils
 * 8.31), Java's own handlers do, without SIGQUIT.
 */
final class Signals {
    static final int SIGHUP = 1;
    static final int SIGINT = 2;
    static final int SIGQUIT = 3;
    static final int SIGPIPE = 13;
    static final int SIGTERM = 15;
    static final int SIGCONT = 18;
    static final int SIGWINCH = 28;

    private static final int[] RECEIVED = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCONT, SIGWINCH};
    private static final Map<Integer, String> BY_JAVA =
            Map.of(SIGHUP, "HUP", SIGINT, "INT", SIGTERM, "TERM", SIGCONT, "CONT", SIGWINCH, "WINCH");

    /** sizeof(sigset_t) on Linux. */
    private static final int SIGSET_BYTES = 128;

    /** _exit(2), known once somebody waits for signals; not while the start is recorded, which Java does at its own end. */
    private static volatile @Nullable MethodHandle exit;

    private Signals() {}

    /**
     * Ends this process, and leaves the terminal as it was. Not by Java where that can be helped: it would wait 0.3 s for the thread that is in sigwait(3), and nothing is
     * left to be done.
     */
    static void exit(int status) {
        LocalTerminal.close();
        MethodHandle known = exit;
        if (known != null) {
            try {
                // void _exit(int status). No memory is involved.
                known.invokeExact(status);
            } catch (Throwable e) {
                // Then as any program.
            }
        }
        Runtime.getRuntime().halt(status);
    }

    /** Calls {@code handler} on a thread of its own for each signal from now on, but for those that the caller ignores. */
    static void receive(Caller caller, IntConsumer handler) {
        IntConsumer unlessIgnored = signal -> {
            if (!caller.ignores(signal)) {
                handler.accept(signal);
            }
        };
        if (Boolean.getBoolean("barchan.signals.blocked")) {
            Thread.ofPlatform().daemon().name("barchan-signals").start(() -> waitForSignals(unlessIgnored));
        } else {
            BY_JAVA.forEach((number, name) -> handleInJava(number, name, unlessIgnored));
        }
    }

    private static void waitForSignals(IntConsumer handler) {
        try (Arena arena = Arena.ofConfined()) {
            // int sigwait(const sigset_t *set, int *sig). Both blocks are alive as long as the call runs, and large
            // enough; the
            // signals in the set are blocked in all threads, as sigwait demands.
            MethodHandle sigwait = LibC.function(
                    "sigwait", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
            if (!Boolean.getBoolean("barchan.recorded")) {
                exit = LibC.function("_exit", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
            }
            MemorySegment set = arena.allocate(SIGSET_BYTES, Long.BYTES);
            long bits = 0;
            for (int signal : RECEIVED) {
                bits |= 1L << (signal - 1);
            }
            set.set(ValueLayout.JAVA_LONG, 0, bits);
            MemorySegment received = arena.allocate(ValueLayout.JAVA_INT);
            while ((int) sigwait.invokeExact(set, received) == 0) {
                handler.accept(received.get(ValueLayout.JAVA_INT, 0));
            }
        } catch (Throwable e) {
            Messages.warning("signals are not passed on to the command: " + e);
        }
    }

    /** By reflection: the compiler refuses a class of the JDK that is supported, yet called internal. */
    private static void handleInJava(int number, String name, IntConsumer handler) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> type = Class.forName("sun.misc.SignalHandler");
            Object proxy =
                    Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, args) -> {
                        handler.accept(number);
                        return null;
                    });
            signal.getMethod("handle", signal, type)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
        } catch (ReflectiveOperationException e) {
            Messages.warning("SIG" + name + " is not passed on to the command: " + e);
        }
    }
}
