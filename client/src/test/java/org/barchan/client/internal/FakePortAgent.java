package org.barchan.client.internal;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ConnectStart;
import org.barchan.v1.Connected;
import org.barchan.v1.ConnectionEnd;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.GetSandboxResponse;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.PortServiceGrpc;
import org.barchan.v1.Sandbox;
import org.barchan.v1.SandboxServiceGrpc;

/** A gRPC server on a unix socket, in whose sandbox whoever is connected to returns what it gets. */
final class FakePortAgent implements AutoCloseable {
    static final int PORT = 4000;

    final Path socket;
    /** What each connection began with. */
    final BlockingQueue<ConnectStart> connections = new LinkedBlockingQueue<>();
    /** Those that the client broke off. */
    final BlockingQueue<ConnectStart> reset = new LinkedBlockingQueue<>();

    private final EventLoopGroup loop = new EpollEventLoopGroup(2);
    private final BlockingQueue<Listening> listening = new LinkedBlockingQueue<>();
    private final Server server;
    private volatile Optional<Status> refusal = Optional.empty();

    /** A call of a client that listens. */
    record Listening(ListenRequest request, StreamObserver<ListenResponse> client) {
        void accept(long id) {
            client.onNext(ListenResponse.newBuilder().setAcceptedConnection(id).build());
        }

        void fail(Status status) {
            client.onError(status.asException());
        }
    }

    FakePortAgent(Path directory) throws IOException {
        socket = directory.resolve("agent.sock");
        server = NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .channelType(EpollServerDomainSocketChannel.class)
                .addService(new Ports())
                .addService(new Sandboxes())
                .build()
                .start();
    }

    /** Answers all that comes so. */
    void refuse(Status status) {
        refusal = Optional.of(status);
    }

    Listening awaitListening() throws InterruptedException {
        return await(listening);
    }

    static <T> T await(BlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(20, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("nothing came");
        }
        return next;
    }

    @Override
    public void close() {
        server.shutdownNow();
        var _ = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** Each name is that of a sandbox with an id made of it. */
    private static final class Sandboxes extends SandboxServiceGrpc.SandboxServiceImplBase {
        @Override
        public void getSandbox(GetSandboxRequest request, StreamObserver<GetSandboxResponse> client) {
            client.onNext(GetSandboxResponse.newBuilder()
                    .setSandbox(Sandbox.newBuilder()
                            .setId("id-of-" + request.getSandbox())
                            .setName(request.getSandbox()))
                    .build());
            client.onCompleted();
        }
    }

    private final class Ports extends PortServiceGrpc.PortServiceImplBase {
        @Override
        public void listen(ListenRequest request, StreamObserver<ListenResponse> client) {
            if (refusal.isPresent()) {
                client.onError(refusal.get().asException());
                return;
            }
            int port = request.getTcpPort() == 0 ? PORT : request.getTcpPort();
            client.onNext(ListenResponse.newBuilder().setTcpPort(port).build());
            listening.add(new Listening(request, client));
        }

        @Override
        public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> client) {
            return new Echo(client);
        }
    }

    private final class Echo implements StreamObserver<ConnectRequest> {
        private final StreamObserver<ConnectResponse> client;
        private ConnectStart start = ConnectStart.getDefaultInstance();

        Echo(StreamObserver<ConnectResponse> client) {
            this.client = client;
        }

        @Override
        public void onNext(ConnectRequest request) {
            if (request.hasData()) {
                client.onNext(
                        ConnectResponse.newBuilder().setData(request.getData()).build());
                return;
            }
            start = request.getStart();
            connections.add(start);
            if (refusal.isPresent()) {
                client.onError(refusal.get().asException());
            } else {
                client.onNext(ConnectResponse.newBuilder()
                        .setConnected(Connected.getDefaultInstance())
                        .build());
            }
        }

        @Override
        public void onError(Throwable error) {
            reset.add(start);
        }

        @Override
        public void onCompleted() {
            client.onNext(ConnectResponse.newBuilder()
                    .setEnd(ConnectionEnd.getDefaultInstance())
                    .build());
            client.onCompleted();
        }
    }
}
