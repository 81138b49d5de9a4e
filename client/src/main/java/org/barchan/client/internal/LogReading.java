package org.barchan.client.internal;

import com.google.protobuf.Timestamp;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Iterator;
import java.util.Optional;
import org.barchan.client.LogListener;
import org.barchan.client.StandardStream;
import org.barchan.v1.LogEntry;
import org.barchan.v1.OutputGap;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.ReadLogRequest;
import org.barchan.v1.ReadLogResponse;

/** Reads a log, and goes on where it was when it is begun again with another agent. For one thread. */
final class LogReading {
    private final String sandbox;
    private final String process;
    private final boolean follow;
    private final Optional<Instant> since;
    private final LogListener listener;
    private boolean started;
    private boolean terminated;
    private long stdoutNext;
    private long stderrNext;

    LogReading(String sandbox, String process, boolean follow, Optional<Instant> since, LogListener listener) {
        this.sandbox = sandbox;
        this.process = process;
        this.follow = follow;
        this.since = since;
        this.listener = listener;
    }

    /** Reads to the end; throws UNAVAILABLE when the agent has gone before that. */
    void go(Channel channel) {
        // A call that is left before its end is cancelled.
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            read(channel);
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    private void read(Channel channel) {
        ReadLogRequest.Builder request = ReadLogRequest.newBuilder()
                .setSandbox(sandbox)
                .setProcessId(process)
                .setFollow(follow)
                .setStdoutOffset(stdoutNext)
                .setStderrOffset(stderrNext);
        since.ifPresent(time -> request.setSince(
                Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano())));
        Iterator<ReadLogResponse> entries = ClientCalls.blockingServerStreamingCall(
                channel, ProcessServiceGrpc.getReadLogMethod(), CallOptions.DEFAULT, request.build());
        try {
            while (!terminated && entries.hasNext()) {
                take(entries.next().getEntry());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (follow && !terminated) {
            throw Status.UNAVAILABLE
                    .withDescription("the agent has let go of the sandbox")
                    .asRuntimeException();
        }
    }

    private void take(LogEntry entry) throws IOException {
        Instant time = ResultMapping.fromProto(entry.getTime());
        switch (entry.getEntryCase()) {
            case EVENT -> take(time, entry.getEvent());
            case GAP -> {
                OutputGap gap = entry.getGap();
                StandardStream stream = ResultMapping.fromProto(gap.getStream());
                reached(stream, gap.getOffset() + gap.getBytes());
                listener.onGap(stream, gap.getOffset(), gap.getBytes());
            }
            case ENTRY_NOT_SET -> {} // something newer that this client can do without
        }
    }

    private void take(Instant time, ProcessEvent event) throws IOException {
        switch (event.getEventCase()) {
            case STARTED -> {
                if (!started) {
                    started = true;
                    listener.onStarted(time);
                }
            }
            case OUTPUT -> {
                ProcessOutput output = event.getOutput();
                StandardStream stream = ResultMapping.fromProto(output.getStream());
                reached(stream, output.getOffset() + output.getData().size());
                listener.onOutput(
                        time, stream, output.getOffset(), output.getData().asReadOnlyByteBuffer());
            }
            case TERMINATED -> {
                terminated = true;
                listener.onTerminated(time, ResultMapping.fromProto(event.getTerminated()));
            }
            case EVENT_NOT_SET -> {} // as above
        }
    }

    private void reached(StandardStream stream, long offset) {
        switch (stream) {
            case STDOUT -> stdoutNext = offset;
            case STDERR -> stderrNext = offset;
        }
    }
}
