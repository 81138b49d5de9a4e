package org.barchan.testing;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.barchan.client.BarchanClient;
import org.barchan.v1.BuildTemplateRequest;
import org.barchan.v1.BuildTemplateResponse;
import org.barchan.v1.DeleteSandboxRequest;
import org.barchan.v1.DeleteSandboxResponse;
import org.barchan.v1.DiagnoseRequest;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.EventServiceGrpc;
import org.barchan.v1.GetNodeRequest;
import org.barchan.v1.GetNodeResponse;
import org.barchan.v1.Kernel;
import org.barchan.v1.ListKernelsRequest;
import org.barchan.v1.ListKernelsResponse;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.ListSandboxesResponse;
import org.barchan.v1.ListTemplatesRequest;
import org.barchan.v1.ListTemplatesResponse;
import org.barchan.v1.NodeServiceGrpc;
import org.barchan.v1.ProcessServiceGrpc;
import org.barchan.v1.PruneTemplatesRequest;
import org.barchan.v1.PruneTemplatesResponse;
import org.barchan.v1.RunRequest;
import org.barchan.v1.RunResponse;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.StopSandboxRequest;
import org.barchan.v1.StopSandboxResponse;
import org.barchan.v1.Template;
import org.barchan.v1.TemplateServiceGrpc;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;

/** A gRPC server on a unix socket whose runs do what a test says. */
public final class FakeAgent implements AutoCloseable {
    /** What a run does, on a thread of its own. */
    @FunctionalInterface
    public interface Behaviour {
        void run(FakeRun run) throws Exception;
    }

    /** What sandboxes take. */
    public final FakeStats stats = new FakeStats();

    private final EventLoopGroup loop = new EpollEventLoopGroup(2);
    private final Path socket;
    private final Server server;
    private final BlockingQueue<FakeRun> runs = new LinkedBlockingQueue<>();
    private final List<String> deleted = new CopyOnWriteArrayList<>();
    private final List<String> stopped = new CopyOnWriteArrayList<>();
    private volatile Behaviour behaviour = run -> run.exit(0);
    private volatile String version = BarchanClient.version();
    private volatile List<DiagnoseResponse> diagnosis = List.of();
    private volatile List<Kernel> kernels = List.of();
    private volatile List<Template> templates = List.of();
    private volatile List<BuildTemplateResponse> building = List.of();
    private final BlockingQueue<Build> builds = new LinkedBlockingQueue<>();
    private final AtomicInteger unavailableRuns = new AtomicInteger();
    private volatile BiConsumer<WatchEventsRequest, StreamObserver<WatchEventsResponse>> events =
            (request, responses) -> responses.onCompleted();

    public FakeAgent(Path directory) throws IOException {
        socket = directory.resolve("agent.sock");
        server = NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .channelType(EpollServerDomainSocketChannel.class)
                .addService(new Node())
                .addService(new Processes())
                .addService(new Sandboxes())
                .addService(new Templates())
                .addService(new Events())
                .addService(stats)
                .build()
                .start();
    }

    public Path socket() {
        return socket;
    }

    /** Sets what all later runs do. */
    public FakeAgent behave(Behaviour value) {
        behaviour = value;
        return this;
    }

    public FakeAgent version(String value) {
        version = value;
        return this;
    }

    public FakeAgent kernels(List<Kernel> value) {
        kernels = value;
        return this;
    }

    public FakeAgent diagnosis(List<DiagnoseResponse> value) {
        diagnosis = value;
        return this;
    }

    public FakeAgent templates(List<Template> value) {
        templates = value;
        return this;
    }

    /** Sets what all later builds of templates are answered; one that is answered with nothing does not end. */
    public FakeAgent building(BuildTemplateResponse... responses) {
        building = List.of(responses);
        return this;
    }

    /** Waits for the next build of a template to begin. */
    public Build nextBuild() throws InterruptedException {
        Build build = builds.poll(60, TimeUnit.SECONDS);
        if (build == null) {
            throw new AssertionError("no build began within 60 s");
        }
        return build;
    }

    /**
     * A template that is to be built.
     *
     * @param cancelled counted down when nobody waits for it any more
     */
    public record Build(SandboxSpec sandbox, CountDownLatch cancelled) {}

    /** Sets what all later watchers of events are answered. */
    public FakeAgent events(BiConsumer<WatchEventsRequest, StreamObserver<WatchEventsResponse>> value) {
        events = value;
        return this;
    }

    /** Lets the next runs find an agent that stops. */
    public FakeAgent unavailable(int count) {
        unavailableRuns.set(count);
        return this;
    }

    /** Waits for the next run to begin. */
    public FakeRun nextRun() throws InterruptedException {
        FakeRun run = runs.poll(60, TimeUnit.SECONDS);
        if (run == null) {
            throw new AssertionError("no run began within 60 s");
        }
        return run;
    }

    public List<String> deleted() {
        return List.copyOf(deleted);
    }

    /** Returns name, signal and seconds of each sandbox that was to be stopped. */
    public List<String> stopped() {
        return List.copyOf(stopped);
    }

    @Override
    public void close() {
        server.shutdownNow();
        var _ = loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private final class Node extends NodeServiceGrpc.NodeServiceImplBase {
        @Override
        public void getNode(GetNodeRequest request, StreamObserver<GetNodeResponse> responses) {
            responses.onNext(GetNodeResponse.newBuilder()
                    .setAgentVersion(version)
                    .setLibvirtVersion("9.0.0")
                    .setAgentPid(4711)
                    .setStateDirectory("/nowhere")
                    .build());
            responses.onCompleted();
        }

        @Override
        public void listKernels(ListKernelsRequest request, StreamObserver<ListKernelsResponse> responses) {
            responses.onNext(
                    ListKernelsResponse.newBuilder().addAllKernels(kernels).build());
            responses.onCompleted();
        }

        @Override
        public void diagnose(DiagnoseRequest request, StreamObserver<DiagnoseResponse> responses) {
            diagnosis.forEach(responses::onNext);
            responses.onCompleted();
        }
    }

    private final class Sandboxes extends SandboxServiceGrpc.SandboxServiceImplBase {
        @Override
        public void listSandboxes(ListSandboxesRequest request, StreamObserver<ListSandboxesResponse> responses) {
            responses.onNext(ListSandboxesResponse.newBuilder()
                    .addSandboxes(FakeRun.SANDBOX)
                    .build());
            responses.onCompleted();
        }

        @Override
        public void stopSandbox(StopSandboxRequest request, StreamObserver<StopSandboxResponse> responses) {
            stopped.add(request.getSandbox() + " " + request.getSignal() + " "
                    + request.getTimeout().getSeconds());
            responses.onNext(StopSandboxResponse.newBuilder()
                    .setEndedInTime(!request.getSandbox().equals("deaf"))
                    .build());
            responses.onCompleted();
        }

        @Override
        public void deleteSandbox(DeleteSandboxRequest request, StreamObserver<DeleteSandboxResponse> responses) {
            deleted.add(request.getSandbox());
            if (request.getSandbox().equals("missing")) {
                responses.onError(Status.NOT_FOUND
                        .withDescription("no sandbox 'missing' lives")
                        .asRuntimeException());
                return;
            }
            responses.onNext(DeleteSandboxResponse.getDefaultInstance());
            responses.onCompleted();
        }
    }

    private final class Templates extends TemplateServiceGrpc.TemplateServiceImplBase {
        @Override
        public void listTemplates(ListTemplatesRequest request, StreamObserver<ListTemplatesResponse> responses) {
            responses.onNext(ListTemplatesResponse.newBuilder()
                    .addAllTemplates(templates)
                    .build());
            responses.onCompleted();
        }

        @Override
        public void buildTemplate(BuildTemplateRequest request, StreamObserver<BuildTemplateResponse> responses) {
            Build build = new Build(request.getSandbox(), new CountDownLatch(1));
            ((ServerCallStreamObserver<BuildTemplateResponse>) responses)
                    .setOnCancelHandler(() -> build.cancelled().countDown());
            builds.add(build);
            building.forEach(responses::onNext);
            if (!building.isEmpty()) {
                responses.onCompleted();
            }
        }

        /** Of use are all but the first. */
        @Override
        public void pruneTemplates(PruneTemplatesRequest request, StreamObserver<PruneTemplatesResponse> responses) {
            if (templates.isEmpty()) {
                responses.onError(Status.FAILED_PRECONDITION
                        .withDescription("QEMU is missing: install it")
                        .asRuntimeException());
                return;
            }
            responses.onNext(PruneTemplatesResponse.newBuilder()
                    .addAllRemoved(request.getAll() ? templates : templates.subList(0, 1))
                    .build());
            responses.onCompleted();
        }
    }

    private final class Events extends EventServiceGrpc.EventServiceImplBase {
        @Override
        public void watchEvents(WatchEventsRequest request, StreamObserver<WatchEventsResponse> responses) {
            events.accept(request, responses);
        }
    }

    private final class Processes extends ProcessServiceGrpc.ProcessServiceImplBase {
        @Override
        public StreamObserver<RunRequest> run(StreamObserver<RunResponse> responses) {
            FakeRun run = new FakeRun(responses);
            if (unavailableRuns.getAndUpdate(count -> Math.max(0, count - 1)) > 0) {
                responses.onError(Status.UNAVAILABLE
                        .withDescription("the agent is stopping")
                        .asRuntimeException());
                return run;
            }
            runs.add(run);
            Thread.ofPlatform().daemon().start(() -> run.perform(behaviour));
            return run;
        }
    }
}
