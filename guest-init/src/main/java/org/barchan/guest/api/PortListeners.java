package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ListenResponse;

/**
 * What listens in the sandbox for the agent, a thread for each. Who connects there waits here until the agent takes the connection, but not
 * for long. Thread-safe.
 */
final class PortListeners {
    static final int MAX_LISTENERS = 16;
    /** Of each; who else connects waits in the kernel. */
    static final int MAX_WAITING = 8;

    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int MAX_PORT = 65535;
    private static final int STACK = 128 * 1024;
    /** How soon it is looked again whether there is room, or a descriptor, and somebody waits no more. */
    private static final int TICK_MILLIS = 1000;

    private final Opener opener;
    private final LongSupplier nanoTime;

    // Guarded by this.
    private final Map<Long, Accepted> waiting = new LinkedHashMap<>();
    private long lastId;
    private int listeners;

    /** Listens. */
    interface Opener {
        ListeningSocket listen(int port) throws Errno;
    }

    private record Accepted(Listening listener, StreamSocket socket, long since) {}

    /** @param nanoTime a clock that goes on evenly */
    PortListeners(Opener opener, LongSupplier nanoTime) {
        this.opener = opener;
        this.nanoTime = nanoTime;
    }

    /**
     * Listens until the call is cancelled. Returns at once.
     *
     * @param port 0 for any that is free
     * @throws IllegalArgumentException when there is no such port
     */
    void listen(int port, ServerCallStreamObserver<ListenResponse> call) throws Errno {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException(
                    "tcp_port: " + Integer.toUnsignedString(port) + " (expected: 0 to " + MAX_PORT + ")");
        }
        enter();
        boolean started = false;
        try {
            start(new Listening(opener.listen(port), call));
            started = true;
        } finally {
            if (!started) {
                leave();
            }
        }
    }

    /** There may be no thread left. */
    private static void start(Listening listening) {
        boolean started = false;
        try {
            listening.call.setOnCancelHandler(listening.server::wake);
            Thread thread = new Thread(null, listening::run, "listen", STACK);
            thread.setDaemon(true);
            thread.start();
            started = true;
        } finally {
            if (!started) {
                listening.server.close();
            }
        }
    }

    private synchronized void enter() {
        if (listeners == MAX_LISTENERS) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription("listen: " + MAX_LISTENERS
                            + " ports are listened at for the host in this sandbox, as many as may be: end one")
                    .asRuntimeException();
        }
        listeners++;
    }

    private synchronized void leave() {
        listeners--;
    }

    /**
     * Returns a connection that waits, which is the caller's from now on.
     *
     * @throws Errno ENOENT when there is none, or no more
     */
    synchronized StreamSocket take(long id) throws Errno {
        Accepted accepted = waiting.remove(id);
        if (accepted == null) {
            throw new Errno("take accepted connection " + Long.toUnsignedString(id), Errno.ENOENT);
        }
        return accepted.socket();
    }

    private synchronized long offer(Listening listener, StreamSocket socket) {
        lastId++;
        waiting.put(lastId, new Accepted(listener, socket, nanoTime.getAsLong()));
        return lastId;
    }

    /** Resets those of a listener that have waited for so long; returns how many still wait. */
    private synchronized int expire(Listening listener, long patience) {
        int left = 0;
        for (Iterator<Accepted> all = waiting.values().iterator(); all.hasNext(); ) {
            Accepted accepted = all.next();
            if (accepted.listener() != listener) {
                continue;
            }
            if (nanoTime.getAsLong() - accepted.since() >= patience) {
                all.remove();
                accepted.socket().close(true);
            } else {
                left++;
            }
        }
        return left;
    }

    /** One port. */
    private final class Listening {
        private final ListeningSocket server;
        private final ServerCallStreamObserver<ListenResponse> call;

        Listening(ListeningSocket server, ServerCallStreamObserver<ListenResponse> call) {
            this.server = server;
            this.call = call;
        }

        private void run() {
            try {
                call.onNext(
                        ListenResponse.newBuilder().setListening(server.port()).build());
                while (!call.isCancelled()) {
                    accept();
                }
            } catch (Errno | RuntimeException e) {
                fail(e);
            } finally {
                server.close();
                var _ = expire(this, 0);
                leave();
            }
        }

        private void fail(Exception reason) {
            try {
                call.onError(PortServiceImplementation.statusOf(reason).asException());
            } catch (IllegalStateException e) {
                // It is over already.
            }
        }

        private void accept() throws Errno {
            int left = expire(this, PATIENCE_NANOS);
            boolean room = left < MAX_WAITING && call.isReady();
            server.await(room, room && left == 0 ? -1 : TICK_MILLIS);
            if (!room || call.isCancelled()) {
                return;
            }
            Optional<StreamSocket> socket;
            try {
                socket = server.accept();
            } catch (Errno e) {
                // There is nothing to wait for but time.
                server.await(false, TICK_MILLIS);
                return;
            }
            if (socket.isPresent()) {
                call.onNext(ListenResponse.newBuilder()
                        .setAccepted(offer(this, socket.get()))
                        .build());
            }
        }
    }
}
