package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.state.v1.KeptProcess;
import org.barchan.v1.LogEntry;
import org.barchan.v1.LogPolicy;
import org.barchan.v1.LogSpec;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.Termination;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is kept of a process on disk, in a directory: what it is, and what it does; and who writes to it and waits for it. Safe for use by many
 * threads.
 */
final class ProcessRecord {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessRecord.class);
    private static final String PROCESS = "process";
    private static final String PROCESS_LOG = "log";

    private final Path directory;
    private final ProcessInputs inputs = new ProcessInputs(true);
    private final CompletableFuture<Termination> termination = new CompletableFuture<>();
    private volatile KeptProcess kept;
    /** Opened when somebody wants to read or write it. */
    private Optional<ProcessLog> log = Optional.empty();

    private ProcessRecord(Path directory, KeptProcess kept) {
        this.directory = directory;
        this.kept = kept;
        if (kept.getProcess().hasTermination()) {
            var _ = termination.complete(kept.getProcess().getTermination());
        }
    }

    /**
     * Returns what is kept of a process that is to be started.
     *
     * @param digest of what was ordered
     */
    static KeptProcess describe(
            SandboxProcess process, ProcessLog.Limit limit, ByteString digest, boolean deleteWhenEnded) {
        return KeptProcess.newBuilder()
                .setProcess(process)
                .setLog(LogSpec.newBuilder()
                        .setLimitBytes(limit.bytes())
                        .setPolicy(
                                switch (limit.policy()) {
                                    case DROP_OLDEST -> LogPolicy.LOG_POLICY_DROP_OLDEST;
                                    case BLOCK -> LogPolicy.LOG_POLICY_BLOCK;
                                    case SPILL -> LogPolicy.LOG_POLICY_SPILL;
                                }))
                .setDigest(digest)
                .setDeleteWhenEnded(deleteWhenEnded)
                .build();
    }

    private static ProcessLog.Limit limit(LogSpec log) {
        return new ProcessLog.Limit(
                log.getLimitBytes(),
                switch (log.getPolicy()) {
                    case LOG_POLICY_BLOCK -> ProcessLog.Policy.BLOCK;
                    case LOG_POLICY_SPILL -> ProcessLog.Policy.SPILL;
                    default -> ProcessLog.Policy.DROP_OLDEST;
                });
    }

    /** Writes one, with an empty log, to a directory that is there. */
    static void create(Path directory, KeptProcess kept) throws IOException {
        ProcessLog.create(directory.resolve(PROCESS_LOG), limit(kept.getLog())).close();
        write(directory, kept);
    }

    private static void write(Path directory, KeptProcess kept) throws IOException {
        replace(directory.resolve(PROCESS), kept.toByteArray());
    }

    /** Writes a file so that whoever reads it finds the old content or the new one. */
    static void replace(Path file, byte[] content) throws IOException {
        Path whole = file.resolveSibling(file.getFileName() + ".new");
        Files.write(
                whole,
                content,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE,
                StandardOpenOption.SYNC);
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Returns the one of a directory.
     *
     * @throws IOException when it can't be read
     * @throws RuntimeException when it is not as it was written
     */
    static ProcessRecord load(Path directory) throws IOException {
        KeptProcess kept = KeptProcess.parseFrom(Files.readAllBytes(directory.resolve(PROCESS)));
        var _ = limit(kept.getLog());
        return new ProcessRecord(directory, kept);
    }

    /** What the guest calls it: another each time that a process of its id is started. */
    String guestId() {
        return id().equals(Run.PROCESS_ID) ? Run.PROCESS_ID : String.valueOf(directory.getFileName());
    }

    /** Returns the id of what the guest calls so. */
    static String idOf(String guestId) {
        int end = guestId.indexOf('.');
        return end < 0 ? guestId : guestId.substring(0, end);
    }

    String id() {
        return kept.getProcess().getProcessId();
    }

    Path directory() {
        return directory;
    }

    ByteString digest() {
        return kept.getDigest();
    }

    /** By what the order is known that it was started by; empty if it is not. */
    String requestId() {
        return kept.getRequestId();
    }

    boolean deleteWhenEnded() {
        return kept.getDeleteWhenEnded();
    }

    /** Who writes to it. */
    ProcessInputs inputs() {
        return inputs;
    }

    /** Completes with how it has ended, once that is noted; exceptionally when the agent lets go of it. */
    CompletableFuture<Termination> termination() {
        return termination;
    }

    /** @throws UncheckedIOException when it can't be opened */
    synchronized ProcessLog log() {
        if (log.isEmpty()) {
            Path files = directory.resolve(PROCESS_LOG);
            ProcessLog.Limit limit = limit(kept.getLog());
            try {
                log = Optional.of(
                        kept.getProcess().hasTermination()
                                ? ProcessLog.openEnded(files, limit)
                                : ProcessLog.open(files, limit));
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
            LOG.error("{}: its log can't be opened: {}", directory, e.toString());
            return false;
        }
    }

    boolean hasEnded() {
        return process().hasTermination();
    }

    /** Returns what it is, and how it has ended if that is known. */
    SandboxProcess process() {
        SandboxProcess known = kept.getProcess();
        if (known.hasTermination() || !isReadable()) {
            return known;
        }
        Optional<LogEntry> end = log().end();
        return end.isEmpty()
                ? known
                : ended(end.get().getEvent().getTerminated(), end.get().getTime());
    }

    /** Returns it as it is when it has ended. */
    private SandboxProcess ended(Termination how, Timestamp time) {
        return kept.getProcess().toBuilder()
                .setTermination(how)
                .setEndTime(time)
                .build();
    }

    /** Its end is known from elsewhere: of that, its log need not be asked. */
    void knownToHaveEnded(Termination how, Timestamp time) {
        kept = kept.toBuilder().setProcess(ended(how, time)).build();
        var _ = termination.complete(how);
    }

    /** Its end is in its log: notes it where it is found more quickly. */
    void noteEnd() {
        SandboxProcess now = process();
        if (now.hasTermination()) {
            KeptProcess over = kept.toBuilder().setProcess(now).build();
            try {
                write(directory, over);
            } catch (IOException e) {
                // It says what it said before; of the end, the log knows.
                LOG.warn("{}: noting how it has ended: {}", directory, e.toString());
            }
            kept = over;
        }
    }

    /**
     * Notes that its end was not seen, if it was not.
     *
     * @return whether there is an end now
     */
    boolean endLost(String reason) throws InterruptedException {
        inputs.end();
        if (hasEnded()) {
            return true;
        }
        ProcessLog ends = log();
        return ends.end(Termination.newBuilder()
                .setLost(org.barchan.v1.Lost.newBuilder()
                        .setReason(ends.isStarted() ? reason : "the agent died before it had started the process"))
                .setStdoutBytes(ends.stdoutEnd())
                .setStderrBytes(ends.stderrEnd())
                .build());
    }

    /** Nobody is to wait for a reader of what it has written. */
    void unlimit() {
        if (isReadable()) {
            log().unlimit();
        }
    }

    /** No agent that comes later is to find it. */
    void forget() throws IOException {
        Files.deleteIfExists(directory.resolve(PROCESS));
    }

    /** The agent lets go of it. */
    synchronized void release() {
        inputs.end();
        log.ifPresent(ProcessLog::close);
        var _ = termination.completeExceptionally(
                new SandboxException(SandboxException.Code.UNAVAILABLE, "the agent has let go of the process " + id()));
    }

    /** Nothing more is written to it: runs an action once nobody reads it any more. */
    void whenUnread(Runnable action) {
        ProcessLog closed = log();
        closed.close();
        closed.whenUnread(action);
    }
}
