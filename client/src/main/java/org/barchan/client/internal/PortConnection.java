package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.barchan.client.BarchanException;
import org.barchan.client.PortTarget;
import org.barchan.client.RawText;
import org.barchan.v1.ConnectRequest;
import org.barchan.v1.ConnectResponse;
import org.barchan.v1.ConnectStart;
import org.barchan.v1.PortServiceGrpc;

/**
 * One connection of this host, carried to what listens in a sandbox: by two threads, and over a channel of its own, since one that is not read
 * would hold up the other calls of a channel.
 */
final class PortConnection implements AutoCloseable {
    private static final int MAX_DATA = 64 * 1024;

    private final SocketChannel local;
    private final AgentChannel channel;
    private final ConnectStart start;
    private final String action;

    private PortConnection(SocketChannel local, Path agent, ConnectStart start, String action) {
        this.local = local;
        this.channel = new AgentChannel(agent);
        this.start = start;
        this.action = action;
    }

    static PortConnection to(SocketChannel local, Path agent, String sandbox, PortTarget target) {
        ConnectStart.Builder start = ConnectStart.newBuilder().setSandbox(sandbox);
        switch (target) {
            case PortTarget.Tcp(int port) -> start.setTcpPort(port);
            case PortTarget.Udp(int port) -> start.setUdpPort(port);
            case PortTarget.Unix(String path) -> start.setUnixPath(ByteString.copyFrom(RawText.encode(path)));
        }
        return new PortConnection(local, agent, start.build(), "connecting to " + target + " of " + sandbox);
    }

    /** Returns one that was made in a sandbox, where the client listens. */
    static PortConnection accepted(SocketChannel local, Path agent, String sandbox, long id) {
        return new PortConnection(
                local,
                agent,
                ConnectStart.newBuilder()
                        .setSandbox(sandbox)
                        .setAcceptedConnection(id)
                        .build(),
                "taking a connection from " + sandbox);
    }

    /**
     * Carries bytes both ways; returns when both sides have ended, or the one here has broken it off.
     *
     * @throws BarchanException when it could not be made, or the sandbox's side has broken it off
     */
    void carry() throws BarchanException {
        boolean whole = false;
        try {
            BlockingClientCall<ConnectRequest, ConnectResponse> call = ClientCalls.blockingBidiStreamingCall(
                    channel.channel(), PortServiceGrpc.getConnectMethod(), CallOptions.DEFAULT);
            call.write(ConnectRequest.newBuilder().setStart(start).build());
            ConnectResponse connected = call.read();
            if (connected != null) {
                Thread.ofPlatform().daemon().name("barchan-port-in").start(() -> send(call));
                receive(call);
                whole = true;
            }
        } catch (StatusException e) {
            if (e.getStatus().getCode() != Status.Code.CANCELLED) {
                throw StatusErrors.toException(action, e.getStatus(), e.getTrailers());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // Whoever has connected here is gone, and knows it.
        } finally {
            if (!whole) {
                resetOnClose();
            }
            close();
        }
    }

    /** Takes it and resets it: nobody is here for it. */
    void refuse() {
        try {
            BlockingClientCall<ConnectRequest, ConnectResponse> call = ClientCalls.blockingBidiStreamingCall(
                    channel.channel(), PortServiceGrpc.getConnectMethod(), CallOptions.DEFAULT);
            call.write(ConnectRequest.newBuilder().setStart(start).build());
            var _ = call.read();
            call.cancel("refused", null);
        } catch (StatusException e) {
            // It is gone already.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void send(BlockingClientCall<ConnectRequest, ConnectResponse> call) {
        ByteBuffer buffer = ByteBuffer.allocate(MAX_DATA);
        try {
            while (local.read(buffer.clear()) >= 0) {
                ByteString data = ByteString.copyFrom(buffer.flip());
                if (!call.write(ConnectRequest.newBuilder().setData(data).build())) {
                    return;
                }
            }
            call.halfClose();
        } catch (IOException e) {
            call.cancel("the connection was broken off", e);
        } catch (StatusException | IllegalStateException e) {
            // It is over; the other thread knows how.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void receive(BlockingClientCall<ConnectRequest, ConnectResponse> call)
            throws IOException, StatusException, InterruptedException {
        for (ConnectResponse response = call.read(); response != null; response = call.read()) {
            switch (response.getResponseCase()) {
                case DATA -> {
                    ByteBuffer data = response.getData().asReadOnlyByteBuffer();
                    while (data.hasRemaining()) {
                        var _ = local.write(data);
                    }
                }
                case END -> local.shutdownOutput();
                case CONNECTED, RESPONSE_NOT_SET -> {} // something newer that this client can do without
            }
        }
    }

    private void resetOnClose() {
        try {
            if (local.getLocalAddress() instanceof InetSocketAddress) {
                local.setOption(StandardSocketOptions.SO_LINGER, 0);
            }
        } catch (IOException e) {
            // It is closed already.
        }
    }

    @Override
    public void close() {
        channel.close();
        try {
            local.close();
        } catch (IOException e) {
            // Nobody can do anything about it.
        }
    }
}
