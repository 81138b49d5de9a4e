package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.GuestServiceGrpc;
import org.barchan.guest.v1.OutputAck;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinEnd;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.link.OutputHeader;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.StdinProgress;
import org.barchan.v1.Termination;
import org.jspecify.annotations.Nullable;

/**
 * The standard streams of a process, over one call after the other: when the link is lost, the next call goes on where the last one
 * was. The first call also starts the process, if it is not there yet, and so do the next until one was answered.
 *
 * <p>All state is guarded by one lock. It is held while gRPC is called, which never blocks; gRPC's event loop takes it to deliver.
 */
final class ProcessStreams implements ProcessConnection {
    /** A guest may be busy with many at once. */
    private static final Duration ATTACH_TIME = Duration.ofSeconds(30);

    /** Many may be started at once, one after the other, from a file system that is as slow as an emulated CPU makes it. */
    private static final Duration START_TIME = Duration.ofSeconds(60);

    private final GuestChannel channel;
    private final String processId;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final StdinBuffer stdin = new StdinBuffer();
    private final OutputQueue output;
    private final LinkLosses losses = new LinkLosses();

    /** What to start, until it is known to be started or not. What has arrived of it is not handed out before that. */
    private Optional<ProcessSpec> start;

    private @Nullable Attachment attachment;
    private @Nullable SandboxException failure;
    private boolean finished;

    private ProcessStreams(GuestChannel channel, String processId, Optional<ProcessSpec> start, OutputQueue output) {
        this.channel = channel;
        this.processId = processId;
        this.start = start;
        this.output = output;
    }

    static ProcessStreams start(GuestChannel channel, String processId, ProcessSpec spec) {
        return new ProcessStreams(channel, processId, Optional.of(spec), new OutputQueue(0, 0)).attached();
    }

    static ProcessStreams attach(GuestChannel channel, String processId, long stdoutOffset, long stderrOffset) {
        return new ProcessStreams(channel, processId, Optional.empty(), new OutputQueue(stdoutOffset, stderrOffset))
                .attached();
    }

    private ProcessStreams attached() {
        lock.lock();
        try {
            attach();
        } finally {
            lock.unlock();
        }
        return this;
    }

    private void attach() {
        Attachment next = new Attachment();
        attachment = next;
        next.start();
    }

    @Override
    public boolean write(ByteString data) throws SandboxException, InterruptedException {
        lock.lockInterruptibly();
        try {
            int done = 0;
            while (done < data.size()) {
                while (stdin.room() == 0 && stdinGoesOn()) {
                    changed.await();
                }
                if (!stdinGoesOn()) {
                    return false;
                }
                int size = Math.min(Math.min(stdin.room(), StdinBuffer.MAX_CHUNK), data.size() - done);
                stdin.add(data.substring(done, done + size));
                done += size;
                pumpStdin();
            }
            return stdinGoesOn();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public StdinProgress stdin() throws SandboxException, InterruptedException {
        lock.lockInterruptibly();
        try {
            while (stdin.received() < 0) {
                throwFailure();
                changed.await();
            }
            return StdinProgress.newBuilder()
                    .setTaken(stdin.accepted())
                    .setReceived(stdin.received())
                    .setClosed(stdin.isClosed() || stdin.isEnded() || output.isTerminated())
                    .build();
        } finally {
            lock.unlock();
        }
    }

    /** Whether somebody may still read standard input. */
    private boolean stdinGoesOn() throws SandboxException {
        if (output.isTerminated() || stdin.isClosed() || stdin.isEnded()) {
            return false;
        }
        throwFailure();
        return true;
    }

    @Override
    public void closeStdin() throws SandboxException {
        lock.lock();
        try {
            if (!output.isTerminated() && !stdin.isClosed()) {
                throwFailure();
            }
            stdin.end();
            pumpStdin();
        } finally {
            lock.unlock();
        }
    }

    private void pumpStdin() {
        if (attachment == null || !attachment.answered) {
            return;
        }
        while (stdin.hasNext()) {
            attachment.send(ProcessIoRequest.newBuilder().setStdin(stdin.next()).build());
        }
        if (stdin.takeEnd()) {
            attachment.send(ProcessIoRequest.newBuilder()
                    .setStdinEnd(StdinEnd.getDefaultInstance())
                    .build());
        }
    }

    @Override
    public ProcessEvent take() throws SandboxException, InterruptedException {
        lock.lockInterruptibly();
        try {
            output.takePrevious();
            acknowledge();
            while (output.isEmpty() || start.isPresent()) {
                if (finished) {
                    throw new IllegalStateException("no event follows the termination of process " + processId);
                }
                throwFailure();
                changed.await();
            }
            ProcessEvent event = output.next();
            finished = event.hasTerminated();
            return event;
        } finally {
            lock.unlock();
        }
    }

    private void acknowledge() {
        // What the guest does not take is not piled up, however often it asks for more.
        if (attachment != null && attachment.answered && output.wantsAcknowledgement() && attachment.call.isReady()) {
            attachment.send(ProcessIoRequest.newBuilder()
                    .setOutputAck(output.acknowledge())
                    .build());
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            fail(new SandboxException(SandboxException.Code.LOST, action() + " ended: the connection was closed"));
        } finally {
            lock.unlock();
        }
    }

    private String action() {
        return channel.describe(what());
    }

    private String what() {
        return (start.isPresent() ? "starting process " : "carrying the standard streams of process ") + processId;
    }

    /** Ends everything; what has arrived can still be taken. */
    private void fail(SandboxException reason) {
        if (failure == null) {
            failure = reason;
        }
        Attachment last = attachment;
        attachment = null;
        if (last != null) {
            last.end();
        }
        changed.signalAll();
    }

    /** Each thread gets its own, with its own stack. */
    private void throwFailure() throws SandboxException {
        if (failure != null) {
            throw new SandboxException(failure.code(), String.valueOf(failure.getMessage()), failure);
        }
    }

    /** One call, under one epoch. Its fields are guarded by the streams' lock. */
    private final class Attachment extends ClientCall.Listener<ProcessIoResponse> implements Consumer<String> {
        private final ClientCall<ProcessIoRequest, ProcessIoResponse> call =
                channel.newCall(GuestServiceGrpc.getProcessIoMethod(), null);
        private @Nullable ScheduledFuture<?> timer;
        private boolean answered;
        private int outputChannel;

        void start() {
            outputChannel = channel.openOutput(this::output);
            call.start(this, new Metadata());
            OutputAck arrived = output.attach();
            Attach.Builder attach = Attach.newBuilder()
                    .setProcessId(processId)
                    .setStdoutOffset(arrived.getStdoutOffset())
                    .setStderrOffset(arrived.getStderrOffset())
                    .setOutputChannel(outputChannel);
            start.ifPresent(attach::setStart);
            send(ProcessIoRequest.newBuilder().setAttach(attach).build());
            call.request(1);
            if (attachment != this) {
                // A channel that has been closed ends the call before it begins.
                return;
            }
            Duration time = start.isPresent() ? START_TIME : ATTACH_TIME;
            timer = channel.schedule(() -> ifCurrent(() -> giveUp(time)), time);
            channel.watch(this);
        }

        void send(ProcessIoRequest request) {
            call.sendMessage(request);
        }

        @Override
        public void onReady() {
            ifCurrent(ProcessStreams.this::acknowledge);
        }

        private void giveUp(Duration time) {
            if (!answered || start.isPresent()) {
                fail(new SandboxException(
                        SandboxException.Code.TIMEOUT,
                        action() + " failed: the guest did not answer within " + time.toSeconds() + " s"));
            }
        }

        void end() {
            release();
            call.cancel("the streams of process " + processId + " were let go of", null);
        }

        private void release() {
            channel.closeOutput(outputChannel);
            channel.unwatch(this);
            stopTimer();
        }

        private void stopTimer() {
            if (timer != null) {
                timer.cancel(false);
            }
        }

        /** There is no hope that the guest answers. */
        @Override
        public void accept(String reason) {
            ifCurrent(() -> fail(channel.lost(what(), reason)));
        }

        private void ifCurrent(Runnable action) {
            lock.lock();
            try {
                if (attachment == this) {
                    action.run();
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void onMessage(ProcessIoResponse response) {
            ifCurrent(() -> {
                if (output.isTerminated()) {
                    return;
                }
                try {
                    take(response);
                    changed.signalAll();
                    call.request(1);
                } catch (SandboxException e) {
                    fail(e);
                }
            });
        }

        private void output(OutputHeader header, ByteString data) {
            ifCurrent(() -> {
                if (output.isTerminated()) {
                    return;
                }
                try {
                    losses.progress();
                    expect(output.add(ProcessOutput.newBuilder()
                            .setStreamValue(header.stream())
                            .setOffset(header.offset())
                            .setData(data)
                            .build()));
                    changed.signalAll();
                } catch (SandboxException e) {
                    fail(e);
                }
            });
        }

        private void take(ProcessIoResponse response) throws SandboxException {
            if (!answered && !response.hasStdinWindow()) {
                throw CheckedMessages.bad(action(), "something else before the window of standard input");
            }
            if (start.isPresent() && response.hasStarted()) {
                start = Optional.empty();
                output.add(response.getStarted());
            }
            switch (response.getResponseCase()) {
                case STDIN_WINDOW -> window(response.getStdinWindow());
                case TERMINATED -> terminated(response.getTerminated());
                case OUTPUT_ACK_WANTED -> {
                    output.wantAcknowledgement();
                    acknowledge();
                }
                case RESPONSE_NOT_SET -> throw CheckedMessages.bad(action(), "an empty message");
            }
        }

        private void window(StdinWindow window) throws SandboxException {
            if (!stdin.update(window, !answered)) {
                throw CheckedMessages.bad(
                        action(),
                        "a window of standard input that can't be: received " + window.getReceived() + ", limit "
                                + window.getLimit());
            }
            if (answered) {
                losses.progress();
            }
            answered = true;
            if (start.isEmpty()) {
                stopTimer();
            }
            pumpStdin();
            acknowledge();
        }

        private void terminated(Termination termination) throws SandboxException {
            if (start.isPresent() && !termination.hasSpawnError()) {
                throw CheckedMessages.bad(action(), "the end of a process that was not started");
            }
            expect(output.add(CheckedMessages.termination(action(), termination)));
            start = Optional.empty();
        }

        private void expect(String problem) throws SandboxException {
            if (!problem.isEmpty()) {
                throw CheckedMessages.bad(action(), problem);
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            release();
            ifCurrent(() -> {
                attachment = null;
                if (output.isTerminated()) {
                    return;
                }
                if (status.isOk()) {
                    fail(CheckedMessages.bad(action(), "the end of the streams before that of the process"));
                } else if (GuestErrors.isLinkLoss(status) && !channel.isClosed() && losses.another()) {
                    attach();
                } else {
                    fail(GuestErrors.of(action(), status));
                }
            });
        }
    }
}
