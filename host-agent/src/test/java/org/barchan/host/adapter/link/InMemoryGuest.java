package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.ConfigureRequest;
import org.barchan.guest.v1.ConfigureResponse;
import org.barchan.guest.v1.GuestServiceGrpc;
import org.barchan.guest.v1.HelloRequest;
import org.barchan.guest.v1.HelloResponse;
import org.barchan.guest.v1.PersonalizeRequest;
import org.barchan.guest.v1.PersonalizeResponse;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.ReadChangesRequest;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.guest.v1.SettleRequest;
import org.barchan.guest.v1.SettleResponse;
import org.barchan.guest.v1.SignalProcessRequest;
import org.barchan.guest.v1.SignalProcessResponse;
import org.barchan.guest.v1.StdinData;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.barchan.guest.v1.WaitProcessRequest;
import org.barchan.guest.v1.WaitProcessResponse;
import org.barchan.link.OutputHeader;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.SpawnError;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.jspecify.annotations.Nullable;

/**
 * A guest whose processes are threads, with the rings and windows of a real one. Commands: {@code cat}, {@code random SEED BYTES}
 * (the same bytes to both streams), {@code idle}, {@code full} (never reads), {@code deaf} (closes standard input),
 * {@code missing} (can't be started).
 */
final class InMemoryGuest extends GuestServiceGrpc.GuestServiceImplBase {
    static final int RING = 256 << 10;

    private static final SpawnError SPAWN_ERROR =
            SpawnError.newBuilder().setErrno(2).setMessage("no\nsuch file").build();

    final Map<String, Program> processes = new ConcurrentHashMap<>();
    volatile ConfigureRequest configured = ConfigureRequest.getDefaultInstance();
    volatile PersonalizeRequest personalized = PersonalizeRequest.getDefaultInstance();
    volatile StepResult step =
            StepResult.newBuilder().setOutcome(StepOutcome.STEP_OUTCOME_DONE).build();
    volatile List<ReadChangesResponse> changes = List.of();
    /** Where output goes. */
    volatile LinkServer.@Nullable Connection epoch;

    private int hellos;

    Program program(String id) {
        return Objects.requireNonNull(processes.get(id));
    }

    private static <T> void answer(StreamObserver<T> observer, T answer) {
        observer.onNext(answer);
        observer.onCompleted();
    }

    @Override
    public synchronized void hello(HelloRequest request, StreamObserver<HelloResponse> observer) {
        answer(
                observer,
                HelloResponse.newBuilder()
                        .setGeneration(1)
                        .setBootId("boot")
                        .setKernelRelease("6.1\u001b[31m")
                        .setEpochs(++hellos)
                        .addAllProcessIds(processes.keySet())
                        .build());
    }

    @Override
    public void personalize(PersonalizeRequest request, StreamObserver<PersonalizeResponse> observer) {
        personalized = request;
        observer.onNext(PersonalizeResponse.getDefaultInstance());
        observer.onCompleted();
    }

    @Override
    public void configure(ConfigureRequest request, StreamObserver<ConfigureResponse> observer) {
        configured = request;
        answer(observer, ConfigureResponse.newBuilder().addSteps(step).build());
    }

    @Override
    public void settle(SettleRequest request, StreamObserver<SettleResponse> observer) {
        answer(observer, SettleResponse.newBuilder().addSteps(step).build());
    }

    @Override
    public void readChanges(ReadChangesRequest request, StreamObserver<ReadChangesResponse> observer) {
        changes.forEach(observer::onNext);
        observer.onCompleted();
    }

    private Program startOrFind(Attach attach) {
        if (!attach.hasStart()) {
            return program(attach.getProcessId());
        }
        String[] argv = attach.getStart().getArgvList().stream()
                .map(ByteString::toStringUtf8)
                .toArray(String[]::new);
        return processes.computeIfAbsent(attach.getProcessId(), _ -> {
            Program process = new Program(argv[0]);
            LinkServer.daemon(() -> process.run(argv));
            return process;
        });
    }

    @Override
    public void signalProcess(SignalProcessRequest request, StreamObserver<SignalProcessResponse> observer) {
        program(request.getProcessId()).kill(request.getSignal());
        answer(observer, SignalProcessResponse.getDefaultInstance());
    }

    @Override
    public void waitProcess(WaitProcessRequest request, StreamObserver<WaitProcessResponse> observer) {
        Program process = program(request.getProcessId());
        LinkServer.daemon(() -> {
            try {
                process.ended.await();
                answer(
                        observer,
                        WaitProcessResponse.newBuilder()
                                .setTermination(process.termination())
                                .build());
            } catch (InterruptedException | RuntimeException e) {
                // The call is gone.
            }
        });
    }

    @Override
    public StreamObserver<ProcessIoRequest> processIo(StreamObserver<ProcessIoResponse> observer) {
        // After this, messages to a call that is gone are dropped instead of thrown about.
        ((ServerCallStreamObserver<ProcessIoResponse>) observer).setOnCancelHandler(() -> {});
        return new StreamObserver<>() {
            private Program process = new Program("none");
            private Program.Attachment attachment =
                    process.new Attachment((ServerCallStreamObserver<ProcessIoResponse>) observer);

            @Override
            public void onNext(ProcessIoRequest request) {
                switch (request.getRequestCase()) {
                    case ATTACH -> {
                        process = startOrFind(request.getAttach());
                        attachment = process.new Attachment((ServerCallStreamObserver<ProcessIoResponse>) observer);
                        process.attach(attachment, request.getAttach());
                    }
                    case STDIN -> process.stdin(attachment, request.getStdin());
                    case STDIN_END -> process.stdinEnd();
                    case OUTPUT_ACK -> {
                        process.stdout.acknowledge(request.getOutputAck().getStdoutOffset());
                        process.stderr.acknowledge(request.getOutputAck().getStderrOffset());
                    }
                    case REQUEST_NOT_SET -> throw new IllegalArgumentException();
                }
            }

            @Override
            public void onError(Throwable error) {
                process.detach(attachment);
            }

            @Override
            public void onCompleted() {
                process.detach(attachment);
            }
        };
    }

    /** A process: a thread with two rings and an input buffer, all guarded by this. */
    final class Program {
        private final String command;
        private final Ring stdout = new Ring(OutputStream.OUTPUT_STREAM_STDOUT);
        private final Ring stderr = new Ring(OutputStream.OUTPUT_STREAM_STDERR);
        private final CountDownLatch ended = new CountDownLatch(1);
        private ByteString unread = ByteString.EMPTY;
        private long received;
        private boolean stdinEnded;
        private boolean stdinClosed;
        private boolean killed;
        private Termination.Builder end = Termination.newBuilder();
        private Attachment current = new Attachment(null);

        Program(String command) {
            this.command = command;
        }

        private void run(String[] argv) {
            try {
                switch (command) {
                    case "missing" -> end.setSpawnError(SPAWN_ERROR);
                    case "cat" -> cat();
                    case "random" -> random(Long.parseLong(argv[1]), Integer.parseInt(argv[2]));
                    case "deaf" -> closeStdin();
                    default -> awaitKill();
                }
                synchronized (this) {
                    if (!end.hasSpawnError()) {
                        end.setExitCode(0).setCause(TerminationCause.TERMINATION_CAUSE_EXITED);
                    }
                    ended.countDown();
                    notifyAll();
                }
            } catch (InterruptedException e) {
                // Never interrupted.
            }
        }

        private void cat() throws InterruptedException {
            while (true) {
                ByteString some;
                synchronized (this) {
                    while (unread.isEmpty() && !stdinEnded) {
                        wait();
                    }
                    some = unread;
                    unread = ByteString.EMPTY;
                    current.window();
                }
                if (some.isEmpty()) {
                    return;
                }
                stdout.write(some);
            }
        }

        private void random(long seed, int size) throws InterruptedException {
            Random random = new Random(seed);
            for (int left = size; left > 0; ) {
                byte[] chunk = new byte[Math.min(left, 1 + random.nextInt(40_000))];
                random.nextBytes(chunk);
                stdout.write(ByteString.copyFrom(chunk));
                stderr.write(ByteString.copyFrom(chunk));
                left -= chunk.length;
            }
        }

        private synchronized void closeStdin() throws InterruptedException {
            stdinClosed = true;
            current.window();
            awaitKill();
        }

        private synchronized void awaitKill() throws InterruptedException {
            while (!killed) {
                wait();
            }
        }

        synchronized void kill(int signal) {
            killed = true;
            notifyAll();
        }

        synchronized Termination termination() {
            return end.setStdoutBytes(stdout.written)
                    .setStderrBytes(stderr.written)
                    .build();
        }

        synchronized void attach(Attachment attachment, Attach attach) {
            Attachment before = current;
            current = attachment;
            before.abort();
            stdout.acknowledge(attach.getStdoutOffset());
            stderr.acknowledge(attach.getStderrOffset());
            attachment.stdoutSent = attach.getStdoutOffset();
            attachment.stderrSent = attach.getStderrOffset();
            attachment.outputChannel = attach.getOutputChannel();
            attachment.startAsked = attach.hasStart();
            attachment.window();
            LinkServer.daemon(attachment::pump);
            notifyAll();
        }

        synchronized void detach(Attachment attachment) {
            if (current == attachment) {
                current = new Attachment(null);
                notifyAll();
            }
        }

        synchronized void stdin(Attachment attachment, StdinData data) {
            if (data.getOffset() > received) {
                attachment.fail(Status.OUT_OF_RANGE.withDescription("gap"));
                return;
            }
            int known =
                    (int) Math.min(received - data.getOffset(), data.getData().size());
            unread = unread.concat(data.getData().substring(known));
            received += data.getData().size() - known;
            if (unread.size() > RING) {
                throw new IllegalStateException("more than the window");
            }
            notifyAll();
        }

        synchronized void stdinEnd() {
            stdinEnded = true;
            notifyAll();
        }

        /** Output kept until it is acknowledged. */
        final class Ring {
            private final OutputStream stream;
            private ByteString kept = ByteString.EMPTY;
            private long base;
            private long written;

            Ring(OutputStream stream) {
                this.stream = stream;
            }

            void write(ByteString data) throws InterruptedException {
                synchronized (Program.this) {
                    while (!data.isEmpty()) {
                        while (kept.size() >= RING) {
                            Program.this.wait();
                        }
                        int size = Math.min(data.size(), RING - kept.size());
                        kept = kept.concat(data.substring(0, size));
                        written += size;
                        data = data.substring(size);
                        Program.this.notifyAll();
                    }
                }
            }

            void acknowledge(long offset) {
                synchronized (Program.this) {
                    if (offset > base) {
                        kept = kept.substring((int) (offset - base));
                        base = offset;
                        Program.this.notifyAll();
                    }
                }
            }

            private ProcessOutput from(long offset) {
                int start = (int) (offset - base);
                return ProcessOutput.newBuilder()
                        .setStream(stream)
                        .setOffset(offset)
                        .setData(kept.substring(start, Math.min(kept.size(), start + OutputHeader.MAX_DATA)))
                        .build();
            }
        }

        /** One call of ProcessIo. */
        final class Attachment {
            private final @Nullable ServerCallStreamObserver<ProcessIoResponse> observer;
            private boolean over;
            private long stdoutSent;
            private long stderrSent;
            private int outputChannel;
            private boolean startAsked;

            Attachment(@Nullable ServerCallStreamObserver<ProcessIoResponse> observer) {
                this.observer = observer;
            }

            private void send(ProcessIoResponse.Builder response) {
                if (observer != null && !over && !observer.isCancelled()) {
                    observer.onNext(response.build());
                }
            }

            private void sendOutput(ProcessOutput output) {
                try {
                    Objects.requireNonNull(epoch).output(outputChannel, output);
                } catch (IOException e) {
                    // The epoch is over; the next one brings another attachment.
                }
            }

            void abort() {
                fail(Status.ABORTED.withDescription("a newer one"));
            }

            void fail(Status status) {
                if (observer != null && !over && !observer.isCancelled()) {
                    over = true;
                    observer.onError(status.asRuntimeException());
                }
            }

            void window() {
                long read = received - unread.size();
                ProcessIoResponse.Builder response = ProcessIoResponse.newBuilder();
                if (startAsked && !command.equals("missing")) {
                    response.setStarted(ProcessStarted.newBuilder().setPid(7));
                }
                startAsked = false;
                send(response.setStdinWindow(StdinWindow.newBuilder()
                        .setReceived(received)
                        .setLimit(read + RING)
                        .setClosed(stdinClosed)));
            }

            private void complete() {
                if (observer != null && !over) {
                    over = true;
                    observer.onCompleted();
                }
            }

            void pump() {
                synchronized (Program.this) {
                    try {
                        while (current == this) {
                            if (stdoutSent < stdout.written) {
                                ProcessOutput output = stdout.from(stdoutSent);
                                stdoutSent += output.getData().size();
                                sendOutput(output);
                            } else if (stderrSent < stderr.written) {
                                ProcessOutput output = stderr.from(stderrSent);
                                stderrSent += output.getData().size();
                                sendOutput(output);
                            } else if (ended.getCount() == 0) {
                                send(ProcessIoResponse.newBuilder().setTerminated(termination()));
                                complete();
                                return;
                            } else {
                                Program.this.wait();
                            }
                        }
                    } catch (InterruptedException | RuntimeException e) {
                        detach(this);
                    }
                }
            }
        }
    }
}
