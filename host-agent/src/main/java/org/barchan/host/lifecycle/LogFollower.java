package org.barchan.host.lifecycle;

import java.io.IOException;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.LogEntry;
import org.barchan.v1.ProcessEvent;

/** Tells a client what is in a log, at the client's pace. */
final class LogFollower {
    private LogFollower() {}

    /**
     * Returns when the log says that the process has ended, which the client is not told, or when nothing more will come.
     *
     * @return the end of the process; empty when the log was closed without one
     */
    static Optional<ProcessEvent> tell(ProcessLog.Reader reader, RunObserver client)
            throws SandboxException, InterruptedException {
        for (Optional<LogEntry> next = next(reader, true); next.isPresent(); next = next(reader, true)) {
            LogEntry entry = next.get();
            if (entry.hasGap()) {
                client.gap(entry.getGap());
            } else if (entry.getEvent().hasTerminated()) {
                return Optional.of(entry.getEvent());
            } else {
                client.event(entry.getEvent());
            }
        }
        return Optional.empty();
    }

    /**
     * Returns the next entry; empty when nothing more will come.
     *
     * @param follow whether to wait for it
     */
    static Optional<LogEntry> next(ProcessLog.Reader reader, boolean follow)
            throws SandboxException, InterruptedException {
        try {
            return reader.next(follow);
        } catch (IOException e) {
            throw new SandboxException(SandboxException.Code.INTERNAL, "reading the log: " + e, e);
        }
    }
}
