package org.barchan.cli;

import org.graalvm.nativeimage.c.function.CFunction;
import org.graalvm.nativeimage.c.function.CFunction.Transition;

/** The functions of standard.c, one to one, and one of the C library. They exist in the native image alone, and take any argument. */
final class NativeCalls {
    private NativeCalls() {}

    @CFunction(value = "bc_age", transition = Transition.NO_TRANSITION)
    static native long age();

    @CFunction(value = "bc_was_closed", transition = Transition.NO_TRANSITION)
    static native int wasClosed(int descriptor);

    @CFunction("bc_is_terminal")
    static native int isTerminal(int descriptor);

    @CFunction("bc_await_signal")
    static native int awaitSignal();

    @CFunction("bc_terminal_size")
    static native long terminalSize(int descriptor);

    @CFunction("bc_make_raw")
    static native int makeRaw();

    @CFunction("bc_restore")
    static native void restore();

    @CFunction("_exit")
    static native void exit(int status);
}
