package org.barchan.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.barchan.client.TerminalSize;
import org.jspecify.annotations.Nullable;

/**
 * The terminal that this process reads from. In raw mode each key is a byte of input, as another terminal, that of the command, is what
 * edits lines and makes signals of keys. Thread-safe.
 */
final class LocalTerminal {
    /** More than sizeof(struct termios) is on any Linux. */
    private static final int TERMIOS_BYTES = 256;

    private static final int WINSIZE_SHORTS = 4;
    private static final int TCSADRAIN = 1;
    private static final long TIOCGWINSZ = 0x5413;
    private static final int STDIN = 0;

    /** The modes from before; null while it is not raw. */
    private static @Nullable MemorySegment before;

    private static boolean closed;

    private LocalTerminal() {}

    /** Returns how large it is, {@link TerminalSize#UNKNOWN} if there is none. */
    static TerminalSize size() {
        int descriptor = StandardFiles.terminal();
        if (descriptor < 0) {
            return TerminalSize.UNKNOWN;
        }
        try (Arena arena = Arena.ofConfined()) {
            // int ioctl(int fd, unsigned long request, struct winsize *size), whose four shorts the block holds.
            MethodHandle ioctl = LibC.function(
                    "ioctl",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    Linker.Option.firstVariadicArg(2));
            MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, WINSIZE_SHORTS);
            return (int) ioctl.invokeExact(descriptor, TIOCGWINSZ, size) == 0
                    ? new TerminalSize(
                            Short.toUnsignedInt(size.getAtIndex(ValueLayout.JAVA_SHORT, 0)),
                            Short.toUnsignedInt(size.getAtIndex(ValueLayout.JAVA_SHORT, 1)))
                    : TerminalSize.UNKNOWN;
        } catch (Throwable e) {
            throw new IllegalStateException("asking for the size of the terminal", e);
        }
    }

    /** Makes it raw until {@link #restore}; without effect after {@link #close}. */
    static synchronized void makeRaw() {
        if (closed) {
            return;
        }
        MemorySegment modes = Arena.global().allocate(TERMIOS_BYTES, Long.BYTES);
        MemorySegment raw = Arena.global().allocate(TERMIOS_BYTES, Long.BYTES);
        try {
            // int tcgetattr(int fd, struct termios *modes) and void cfmakeraw(struct termios *modes), which the blocks
            // are
            // large enough for.
            MethodHandle get = LibC.function(
                    "tcgetattr",
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
            MethodHandle change = LibC.function("cfmakeraw", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
            if ((int) get.invokeExact(STDIN, modes) == 0) {
                raw.copyFrom(modes);
                change.invokeExact(raw);
                set(raw);
                if (before == null) {
                    before = modes;
                }
            }
        } catch (Throwable e) {
            throw new IllegalStateException("making the terminal raw", e);
        }
    }

    static synchronized boolean isRaw() {
        return before != null;
    }

    /** Gives it back the modes that it had; without effect if it is not raw. */
    static synchronized void restore() {
        if (before != null) {
            try {
                set(before);
            } catch (Throwable e) {
                throw new IllegalStateException("restoring the terminal", e);
            } finally {
                before = null;
            }
        }
    }

    /** Restores it for good: this process ends, whatever its other threads are about to do. */
    static synchronized void close() {
        closed = true;
        restore();
    }

    private static void set(MemorySegment modes) throws Throwable {
        // int tcsetattr(int fd, int when, const struct termios *modes). What tcgetattr wrote is there.
        MethodHandle set = LibC.function(
                "tcsetattr",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
        var _ = (int) set.invokeExact(STDIN, TCSADRAIN, modes);
    }
}
