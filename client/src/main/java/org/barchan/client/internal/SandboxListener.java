package org.barchan.client.internal;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.barchan.client.BarchanException;
import org.barchan.client.ReverseForward;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.PortServiceGrpc;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.SandboxState;

/** Listens in a sandbox, and has each connection that is made there carried to one address of this host by threads of its own. */
final class SandboxListener implements ReverseForward {
    /** At once; of more, the sandbox's side resets those that nobody takes. */
    private static final int MAX_CONNECTIONS = 64;

    private static final int CONNECT_MILLIS = 8_000;
    private static final long PAUSE_MILLIS = 1_000;
    /** A guest needs a moment to see that the link was lost, and listens until then. */
    private static final int TRIES = 10;

    private static final int STATE_SECONDS = 10;

    private final Path agent;
    private final String sandbox;
    private final SocketAddress target;
    private final Consumer<BarchanException> failures;
    private final Set<PortConnection> connections = ConcurrentHashMap.newKeySet();
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
    private final Context.CancellableContext context = Context.ROOT.withCancellation();
    private volatile boolean closed;
    private volatile int port;

    private SandboxListener(Path agent, String sandbox, SocketAddress target, Consumer<BarchanException> failures) {
        this.agent = agent;
        this.sandbox = sandbox;
        this.target = target;
        this.failures = failures;
    }

    /**
     * Returns once it listens.
     *
     * @param agent the agent's socket
     */
    static SandboxListener listen(
            Path agent, String sandbox, int port, SocketAddress target, Consumer<BarchanException> failures)
            throws BarchanException {
        SandboxListener listener = new SandboxListener(agent, sandbox, target, failures);
        AgentChannel channel = new AgentChannel(agent);
        boolean listening = false;
        try {
            Iterator<ListenResponse> first = listener.begin(channel, port);
            Thread.ofPlatform().daemon().name("barchan-listen").start(() -> listener.run(channel, first));
            listening = true;
            return listener;
        } finally {
            if (!listening) {
                listener.close();
                channel.close();
            }
        }
    }

    private Iterator<ListenResponse> begin(AgentChannel channel, int wanted) throws BarchanException {
        ListenRequest request = ListenRequest.newBuilder()
                .setSandbox(sandbox)
                .setTcpPort(wanted)
                .build();
        Context before = context.attach();
        try {
            Iterator<ListenResponse> responses = ClientCalls.blockingServerStreamingCall(
                    channel.channel(), PortServiceGrpc.getListenMethod(), CallOptions.DEFAULT, request);
            port = responses.next().getTcpPort();
            return responses;
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException("listening in " + sandbox, e);
        } finally {
            context.detach(before);
        }
    }

    /** An agent that goes is followed by another one, perhaps; at the end of the sandbox there is nothing more to do. */
    private void run(AgentChannel first, Iterator<ListenResponse> begun) {
        AgentChannel channel = first;
        Iterator<ListenResponse> responses = begun;
        try {
            for (int refused = 0; !closed; ) {
                take(responses);
                channel.close();
                Thread.sleep(PAUSE_MILLIS);
                channel = new AgentChannel(agent);
                try {
                    responses = begin(channel, port);
                    refused = 0;
                } catch (BarchanException e) {
                    refused += e.code() == BarchanException.Code.UNAVAILABLE || isHeldUp(channel) ? 0 : 1;
                    if (refused == TRIES || e.code() == BarchanException.Code.NOT_FOUND) {
                        throw e;
                    }
                    responses = Collections.emptyIterator();
                }
            }
        } catch (BarchanException e) {
            if (!closed) {
                failures.accept(e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            channel.close();
        }
    }

    /** Whether the sandbox is there, but can't listen just now. */
    private boolean isHeldUp(AgentChannel channel) {
        try {
            SandboxState state = ClientCalls.blockingUnaryCall(
                            channel.channel(),
                            SandboxServiceGrpc.getGetSandboxMethod(),
                            CallOptions.DEFAULT.withDeadlineAfter(STATE_SECONDS, TimeUnit.SECONDS),
                            GetSandboxRequest.newBuilder().setSandbox(sandbox).build())
                    .getSandbox()
                    .getState();
            return state == SandboxState.SANDBOX_STATE_PAUSED || state == SandboxState.SANDBOX_STATE_STARTING;
        } catch (StatusRuntimeException e) {
            return false;
        }
    }

    private void take(Iterator<ListenResponse> responses) {
        try {
            while (responses.hasNext()) {
                long id = responses.next().getAcceptedConnection();
                if (places.tryAcquire()) {
                    Thread.ofPlatform().daemon().name("barchan-port").start(() -> carryAndLeave(id));
                }
            }
        } catch (StatusRuntimeException e) {
            // The agent or the sandbox has gone: whoever asks again is told which.
        }
    }

    private void carryAndLeave(long id) {
        try {
            carry(id);
        } finally {
            places.release();
        }
    }

    private void carry(long id) {
        try (SocketChannel socket = open()) {
            PortConnection connection = PortConnection.accepted(socket, agent, sandbox, id);
            connections.add(connection);
            try {
                connect(socket);
                if (closed) {
                    return;
                }
                connection.carry();
            } catch (IOException e) {
                connection.refuse();
                failures.accept(new BarchanException(
                        BarchanException.Code.PRECONDITION, "connecting to " + target + ": " + e.getMessage(), e));
            } finally {
                connection.close();
                connections.remove(connection);
            }
        } catch (BarchanException e) {
            if (!closed) {
                failures.accept(e);
            }
        } catch (IOException e) {
            failures.accept(new BarchanException(
                    BarchanException.Code.EXHAUSTED, "connecting to " + target + ": " + e.getMessage(), e));
        }
    }

    private SocketChannel open() throws IOException {
        return target instanceof UnixDomainSocketAddress
                ? SocketChannel.open(StandardProtocolFamily.UNIX)
                : SocketChannel.open();
    }

    private void connect(SocketChannel socket) throws IOException {
        if (target instanceof InetSocketAddress) {
            // The sandbox's side does not wait for longer.
            socket.socket().connect(target, CONNECT_MILLIS);
        } else {
            var _ = socket.connect(target);
        }
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public SocketAddress target() {
        return target;
    }

    @Override
    public void close() {
        closed = true;
        context.cancel(null);
        connections.forEach(PortConnection::close);
    }
}
