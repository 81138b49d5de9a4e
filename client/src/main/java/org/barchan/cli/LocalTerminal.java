package org.barchan.cli;

import org.barchan.client.TerminalSize;

/**
 * The terminal that this process reads from. In raw mode each key is a byte of input, as another terminal, that of the command, is what
 * edits lines and makes signals of keys. Thread-safe.
 */
final class LocalTerminal {
    private static boolean raw;
    private static boolean closed;

    private LocalTerminal() {}

    /** Returns how large it is, {@link TerminalSize#UNKNOWN} if there is none. */
    static TerminalSize size() {
        int descriptor = StandardFiles.terminal();
        long size = descriptor < 0 ? -1 : NativeCalls.terminalSize(descriptor);
        return size < 0 ? TerminalSize.UNKNOWN : new TerminalSize((int) (size >>> 32), (int) size);
    }

    /** Makes it raw until {@link #restore}; without effect after {@link #close}. */
    static synchronized void makeRaw() {
        if (!closed) {
            raw = NativeCalls.makeRaw() != 0;
        }
    }

    static synchronized boolean isRaw() {
        return raw;
    }

    /** Gives it back the modes that it had; without effect if it is not raw. */
    static synchronized void restore() {
        if (raw) {
            NativeCalls.restore();
            raw = false;
        }
    }

    /** Restores it for good: this process ends, whatever its other threads are about to do. */
    static synchronized void close() {
        closed = true;
        restore();
    }
}
