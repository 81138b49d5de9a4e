package org.barchan.guest.api;

import com.google.protobuf.Timestamp;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.barchan.guest.boot.FreeMemory;
import org.barchan.guest.boot.SandboxSetup;
import org.barchan.guest.link.LinkListener;
import org.barchan.guest.process.GuestProcess;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.v1.Attach;
import org.barchan.guest.v1.ConfigureRequest;
import org.barchan.guest.v1.ConfigureResponse;
import org.barchan.guest.v1.ForgetProcessRequest;
import org.barchan.guest.v1.ForgetProcessResponse;
import org.barchan.guest.v1.GuestMount;
import org.barchan.guest.v1.GuestServiceGrpc;
import org.barchan.guest.v1.GuestTmpfs;
import org.barchan.guest.v1.HelloRequest;
import org.barchan.guest.v1.HelloResponse;
import org.barchan.guest.v1.PersonalizeRequest;
import org.barchan.guest.v1.PersonalizeResponse;
import org.barchan.guest.v1.PrepareRequest;
import org.barchan.guest.v1.PrepareResponse;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.ReadChangesRequest;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.guest.v1.ResizeTerminalRequest;
import org.barchan.guest.v1.ResizeTerminalResponse;
import org.barchan.guest.v1.RootMount;
import org.barchan.guest.v1.SettleRequest;
import org.barchan.guest.v1.SettleResponse;
import org.barchan.guest.v1.ShutdownRequest;
import org.barchan.guest.v1.ShutdownResponse;
import org.barchan.guest.v1.SignalProcessRequest;
import org.barchan.guest.v1.SignalProcessResponse;
import org.barchan.guest.v1.StdinEnd;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.barchan.guest.v1.WaitProcessRequest;
import org.barchan.guest.v1.WaitProcessResponse;
import org.barchan.guest.v1.ZeroFreeMemoryRequest;
import org.barchan.guest.v1.ZeroFreeMemoryResponse;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.Termination;

/** What the agent can ask of the init. See guest_service.proto. */
final class GuestServiceImplementation extends GuestServiceGrpc.GuestServiceImplBase {
    private static final int GENERATION = 1;

    private enum Phase {
        UNCONFIGURED,
        CONFIGURED,
        BROKEN,
        SETTLED
    }

    private final LinkListener link;
    private final ProcessTable processes;
    private final SandboxSetup setup;
    private Phase phase = Phase.UNCONFIGURED;

    GuestServiceImplementation(LinkListener link, ProcessTable processes) {
        this.link = link;
        this.processes = processes;
        this.setup = new SandboxSetup(processes);
    }

    private interface Method<Q, R> {
        R call(Q request) throws Errno, IOException, InterruptedException;
    }

    /** Answers a unary call. */
    private static <Q, R> void answer(Q request, StreamObserver<R> observer, Method<Q, R> method) {
        try {
            R response = method.call(request);
            observer.onNext(response);
            observer.onCompleted();
        } catch (Errno | IOException | InterruptedException | RuntimeException e) {
            observer.onError(statusOf(e).asException());
        }
    }

    /** Returns what a caller is told of an exception: the one place where that is decided. */
    static Status statusOf(Exception e) {
        Status status = switch (e) {
            case StatusRuntimeException known -> known.getStatus();
            case ProcessTable.TooMany _ -> Status.RESOURCE_EXHAUSTED;
            case IllegalArgumentException _ -> Status.INVALID_ARGUMENT;
            case IllegalStateException _ -> Status.FAILED_PRECONDITION;
            case InterruptedException _ -> Status.CANCELLED;
            default -> Status.INTERNAL;
        };
        return status.getDescription() == null ? status.withDescription(String.valueOf(e.getMessage())) : status;
    }

    @Override
    public void hello(HelloRequest request, StreamObserver<HelloResponse> observer) {
        answer(request, observer, this::hello);
    }

    private HelloResponse hello(HelloRequest request) throws Errno {
        boolean configured = isConfigured();
        return HelloResponse.newBuilder()
                .setGeneration(GENERATION)
                .setBootId(configured ? bootId() : "")
                .setKernelRelease(kernelFact("osrelease"))
                .setEpochs(link.epochs())
                .setConfigured(configured)
                .addAllProcessIds(processes.ids())
                .setInitExecUptimeMicros(Linux.execMicros())
                .setHelloUptimeMicros(Linux.uptimeMicros())
                .build();
    }

    private static String bootId() throws Errno {
        return kernelFact("random/boot_id");
    }

    private static String kernelFact(String name) throws Errno {
        return SmallFile.read("/proc/sys/kernel/" + name);
    }

    private synchronized boolean isConfigured() {
        return phase == Phase.CONFIGURED;
    }

    @Override
    public void prepare(PrepareRequest request, StreamObserver<PrepareResponse> observer) {
        answer(request, observer, this::prepare);
    }

    private synchronized PrepareResponse prepare(PrepareRequest request) throws Errno, IOException {
        requireUnconfigured("prepare");
        // Parts of the next messages: a class is initialised when it is first used, which takes a page or two of code.
        var _ = List.of(
                Timestamp.getDefaultInstance(),
                RootMount.getDefaultInstance(),
                GuestMount.getDefaultInstance(),
                GuestTmpfs.getDefaultInstance(),
                StepResult.getDefaultInstance(),
                ProcessSpec.getDefaultInstance(),
                EnvironmentVariable.getDefaultInstance(),
                Identity.getDefaultInstance(),
                ProcessStarted.getDefaultInstance(),
                Attach.getDefaultInstance(),
                StdinWindow.getDefaultInstance(),
                StdinEnd.getDefaultInstance(),
                Termination.getDefaultInstance());
        setup.prepare(request.getKernelModulesList());
        return PrepareResponse.getDefaultInstance();
    }

    @Override
    public void zeroFreeMemory(ZeroFreeMemoryRequest request, StreamObserver<ZeroFreeMemoryResponse> observer) {
        answer(request, observer, this::zeroFreeMemory);
    }

    private synchronized ZeroFreeMemoryResponse zeroFreeMemory(ZeroFreeMemoryRequest request)
            throws Errno, IOException {
        requireUnconfigured("zero free memory");
        return ZeroFreeMemoryResponse.newBuilder().setBytes(FreeMemory.zero()).build();
    }

    private void requireUnconfigured(String action) {
        if (phase != Phase.UNCONFIGURED) {
            throw new IllegalStateException(action + ": the guest is " + phase + " (expected: UNCONFIGURED)");
        }
    }

    @Override
    public void configure(ConfigureRequest request, StreamObserver<ConfigureResponse> observer) {
        answer(request, observer, this::configure);
    }

    private synchronized ConfigureResponse configure(ConfigureRequest request) throws Errno {
        requireUnconfigured("configure");
        ConfigureResponse report = setup.perform(request);
        StepOutcome last = report.getSteps(report.getStepsCount() - 1).getOutcome();
        phase = last == StepOutcome.STEP_OUTCOME_FAILED ? Phase.BROKEN : Phase.CONFIGURED;
        return report.toBuilder().setBootId(bootId()).build();
    }

    @Override
    public void personalize(PersonalizeRequest request, StreamObserver<PersonalizeResponse> observer) {
        answer(request, observer, this::personalize);
    }

    private synchronized PersonalizeResponse personalize(PersonalizeRequest request) throws Errno {
        if (phase != Phase.CONFIGURED) {
            throw new IllegalStateException("personalize: the guest is " + phase + " (expected: CONFIGURED)");
        }
        setup.personalize(request);
        return PersonalizeResponse.getDefaultInstance();
    }

    /** Returns the process that a call attaches to, started if it is to be. */
    private GuestProcess process(Attach attach) throws Errno {
        if (!attach.hasStart()) {
            return processes.find(attach.getProcessId()).orElseThrow(() -> noProcess(attach.getProcessId()));
        }
        if (!isConfigured()) {
            throw new IllegalStateException("start a process: the guest is not configured");
        }
        if (attach.getStart().getArgvCount() == 0) {
            throw new IllegalArgumentException("argv: empty (expected: a command)");
        }
        return processes.start(attach.getProcessId(), attach.getStart());
    }

    private static StatusRuntimeException noProcess(String id) {
        return Status.NOT_FOUND
                .withDescription("process " + id + ": no such process")
                .asRuntimeException();
    }

    @Override
    public StreamObserver<ProcessIoRequest> processIo(StreamObserver<ProcessIoResponse> observer) {
        return new ProcessIoCall(
                this::process, EpochInterceptor.EPOCH.get(), (ServerCallStreamObserver<ProcessIoResponse>) observer);
    }

    @Override
    public void signalProcess(SignalProcessRequest request, StreamObserver<SignalProcessResponse> observer) {
        withProcess(
                request.getProcessId(),
                observer,
                process -> answer(request, observer, r -> {
                    process.signal(r.getSignal(), r.getCause());
                    return SignalProcessResponse.getDefaultInstance();
                }));
    }

    @Override
    public void resizeTerminal(ResizeTerminalRequest request, StreamObserver<ResizeTerminalResponse> observer) {
        withProcess(
                request.getProcessId(),
                observer,
                process -> answer(request, observer, r -> {
                    process.resizeTerminal(r.getSize());
                    return ResizeTerminalResponse.getDefaultInstance();
                }));
    }

    @Override
    public void waitProcess(WaitProcessRequest request, StreamObserver<WaitProcessResponse> observer) {
        withProcess(
                request.getProcessId(),
                observer,
                process -> answer(
                        request,
                        observer,
                        r -> WaitProcessResponse.newBuilder()
                                .setTermination(process.awaitTermination())
                                .build()));
    }

    @Override
    public void forgetProcess(ForgetProcessRequest request, StreamObserver<ForgetProcessResponse> observer) {
        answer(request, observer, r -> {
            processes.forget(r.getProcessId());
            return ForgetProcessResponse.getDefaultInstance();
        });
    }

    private void withProcess(String id, StreamObserver<?> observer, Consumer<GuestProcess> action) {
        processes.find(id).ifPresentOrElse(action, () -> observer.onError(noProcess(id)));
    }

    @Override
    public void readChanges(ReadChangesRequest request, StreamObserver<ReadChangesResponse> observer) {
        if (isUnconfigured()) {
            observer.onError(Status.FAILED_PRECONDITION
                    .withDescription("read changes: the guest is not configured")
                    .asException());
            return;
        }
        var call = (ServerCallStreamObserver<ReadChangesResponse>) observer;
        Semaphore ready = new Semaphore(0);
        call.setOnReadyHandler(ready::release);
        call.setOnCancelHandler(ready::release);
        // Not on gRPC's thread for this call, which tells when it is ready.
        Thread reader = new Thread(null, () -> readChanges(request, call, ready), "changes", 256 * 1024);
        reader.setDaemon(true);
        reader.start();
    }

    private void readChanges(
            ReadChangesRequest request, ServerCallStreamObserver<ReadChangesResponse> call, Semaphore ready) {
        try {
            setup.readChanges(request.getContent(), response -> {
                while (!call.isReady() && !call.isCancelled()) {
                    ready.acquireUninterruptibly();
                }
                if (call.isCancelled()) {
                    throw Status.CANCELLED.asRuntimeException();
                }
                call.onNext(response);
            });
            call.onCompleted();
        } catch (Errno e) {
            call.onError(Status.INTERNAL
                    .withDescription(String.valueOf(e.getMessage()))
                    .asException());
        } catch (StatusRuntimeException e) {
            // Nobody waits for it any more.
        }
    }

    private synchronized boolean isUnconfigured() {
        return phase == Phase.UNCONFIGURED || phase == Phase.BROKEN;
    }

    @Override
    public void settle(SettleRequest request, StreamObserver<SettleResponse> observer) {
        answer(request, observer, this::settle);
    }

    private synchronized SettleResponse settle(SettleRequest request) throws Errno, IOException {
        if (phase == Phase.UNCONFIGURED) {
            throw new IllegalStateException("settle: the guest is not configured");
        }
        phase = Phase.SETTLED;
        return setup.settle();
    }

    @Override
    public void shutdown(ShutdownRequest request, StreamObserver<ShutdownResponse> observer) {
        observer.onNext(ShutdownResponse.getDefaultInstance());
        observer.onCompleted();
        Linux.powerOff();
    }
}
