package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SandboxProcess;

/**
 * What is to be run, and for whom.
 *
 * @param timeout how long the process may run
 * @param client the user who asks
 * @param exportChanges whether what the process has written to overlays is told when it has ended
 * @param keep whether the sandbox is kept when its process has ended, until the client sends nothing more
 * @param kept what is kept of a sandbox that outlives its client
 * @param published the ports of this host that are to lead to the sandbox
 * @param labels what its user says of it
 * @param lifetime how long the sandbox may live
 */
public record RunOrder(
        SandboxSpec sandbox,
        ProcessSpec process,
        Optional<Duration> timeout,
        HostUser client,
        boolean exportChanges,
        boolean keep,
        Kept kept,
        List<PublishedPort> published,
        Labels labels,
        Lifetime lifetime) {
    public RunOrder {
        published = List.copyOf(published);
    }

    RunOrder(
            SandboxSpec sandbox,
            ProcessSpec process,
            Optional<Duration> timeout,
            HostUser client,
            boolean exportChanges,
            boolean keep,
            Kept kept) {
        this(sandbox, process, timeout, client, exportChanges, keep, kept, List.of(), Labels.NONE, Lifetime.UNLIMITED);
    }

    /**
     * What is kept of a process that outlives its client.
     *
     * @param limit how much of what it writes
     * @param detach whether the client is told no more than that the process has been started
     * @param deleteWhenEnded whether nothing is kept when it has ended
     * @param stdinOpen with {@code detach}: whether standard input is not at its end at once
     * @param request by what the order is known when it comes again
     */
    public record Kept(
            ProcessLog.Limit limit,
            boolean detach,
            boolean deleteWhenEnded,
            boolean stdinOpen,
            Optional<Request> request) {
        static final Kept DEFAULT = new Kept(ProcessLog.Limit.DEFAULT, false, false, false);

        /** Of an order that can't come again. */
        public Kept(ProcessLog.Limit limit, boolean detach, boolean deleteWhenEnded, boolean stdinOpen) {
            this(limit, detach, deleteWhenEnded, stdinOpen, Optional.empty());
        }

        /** Returns the same of an order that can come again. */
        public Kept requested(Request by) {
            return new Kept(limit, detach, deleteWhenEnded, stdinOpen, Optional.of(by));
        }
    }

    /**
     * By what an order is known when it comes again.
     *
     * @param digest of all that was ordered
     */
    public record Request(String id, ByteString digest) {}

    /** How much of a command is told of a process. */
    private static final int SUMMARY_BYTES = 4096;

    /** Returns what is told of a process. */
    static SandboxProcess summary(String id, ProcessSpec process, Instant createTime) {
        SandboxProcess.Builder summary = SandboxProcess.newBuilder()
                .setProcessId(id)
                .setTerminal(process.hasTerminal())
                .setCreateTime(Timestamp.newBuilder()
                        .setSeconds(createTime.getEpochSecond())
                        .setNanos(createTime.getNano()));
        int bytes = 0;
        for (ByteString word : process.getArgvList()) {
            bytes += word.size();
            if (bytes > SUMMARY_BYTES) {
                break;
            }
            summary.addArgv(word);
        }
        return summary.build();
    }

    RunOrder(
            SandboxSpec sandbox,
            ProcessSpec process,
            Optional<Duration> timeout,
            HostUser client,
            boolean exportChanges,
            boolean keep) {
        this(sandbox, process, timeout, client, exportChanges, keep, Kept.DEFAULT);
    }
}
