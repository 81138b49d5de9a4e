package org.barchan.host.lifecycle;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.barchan.v1.LogEntry;
import org.barchan.v1.Sandbox;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is kept of a sandbox on disk: who it is, and what its process does. Safe for use by many threads. */
final class SandboxRecord {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxRecord.class);

    private final Path logDirectory;
    private final ProcessLog.Limit limit;
    private final boolean deleteWhenEnded;
    private volatile SandboxView view;
    /** That of one that ended before this agent is opened when somebody wants to read it. */
    private Optional<ProcessLog> log;

    /** @param view the sandbox as it was when it lived, or with its end */
    SandboxRecord(
            SandboxView view,
            Path logDirectory,
            ProcessLog.Limit limit,
            Optional<ProcessLog> log,
            boolean deleteWhenEnded) {
        this.view = view;
        this.logDirectory = logDirectory;
        this.limit = limit;
        this.log = log;
        this.deleteWhenEnded = deleteWhenEnded;
    }

    /** @throws UncheckedIOException when it can't be opened */
    synchronized ProcessLog log() {
        if (log.isEmpty()) {
            try {
                log = Optional.of(
                        view.end().isPresent()
                                ? ProcessLog.openEnded(logDirectory, limit)
                                : ProcessLog.open(logDirectory, limit));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return log.get();
    }

    /** Whether its log can be opened. */
    boolean isReadable() {
        try {
            var _ = log();
            return true;
        } catch (UncheckedIOException e) {
            LOG.error("its log can't be opened: {}", e.toString());
            return false;
        }
    }

    boolean deleteWhenEnded() {
        return deleteWhenEnded;
    }

    boolean hasEnded() {
        return view().end().isPresent();
    }

    void update(SandboxView now) {
        view = now;
    }

    /** Returns the sandbox, with its end if that is known. */
    SandboxView view() {
        SandboxView known = view;
        if (known.end().isPresent()) {
            return known;
        }
        Optional<LogEntry> end;
        try {
            end = log().end();
        } catch (UncheckedIOException e) {
            LOG.error("{}: its log can't be opened: {}", known.id(), e.toString());
            return known;
        }
        return end.isEmpty() ? known : known.ended(end.get().getEvent().getTerminated(), time(end.get()));
    }

    /** Returns it as it is on disk. */
    Sandbox message() {
        return view().message().toBuilder().setDeleteWhenEnded(deleteWhenEnded).build();
    }

    private static Instant time(LogEntry entry) {
        Timestamp time = entry.getTime();
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }
}
