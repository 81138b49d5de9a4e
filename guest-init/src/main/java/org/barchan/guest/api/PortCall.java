package org.barchan.guest.api;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ConnectEnd;
import org.barchan.guest.v1.ConnectOpen;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse;
import org.jspecify.annotations.Nullable;

/**
 * One connection. A thread of its own connects and carries bytes both ways; gRPC's threads only leave it what comes. All that comes is taken
 * from gRPC at once, so that one connection that is not read holds up no other call: how much comes is bounded by what was granted.
 */
final class PortCall implements StreamObserver<ConnectRequest> {
    /** What a message takes besides its bytes. */
    static final int MESSAGE_COST = 256;

    static final int MAX_DATA = 32 * 1024;
    static final int MAX_DATAGRAM = 65507;
    /** What may wait here for who listens. */
    static final int WINDOW = 64 * 1024;

    /** How long one side may say nothing at all after the other has ended: whoever ignores that would hold its place for ever. */
    static final int HALF_CLOSED_MILLIS = 30 * 60 * 1000;

    /** The longest datagram has room, also when what is granted again has not been told yet. */
    static final int DATAGRAM_WINDOW = 2 * WINDOW;

    private static final int STACK = 128 * 1024;

    private final Opener opener;
    private final Consumer<ConnectOpen> closed;
    private final ServerCallStreamObserver<ConnectResponse> observer;

    // Guarded by this.
    private final Deque<ByteString> input = new ArrayDeque<>();
    private boolean inputEnded;
    private int granted;
    private long credit;
    private boolean cancelled;
    private boolean opened;
    private boolean datagrams;
    private @Nullable StreamSocket socket;

    // The thread's own.
    private byte[] output = new byte[0];
    private byte[] pending = new byte[0];
    private int written;
    private int taken;
    private boolean readEnded;
    private boolean writeEnded;
    private boolean broken;

    /** Makes the connection. */
    interface Opener {
        StreamSocket open(ConnectOpen target) throws Errno;
    }

    /** @param closed told when what the opener has opened is closed */
    PortCall(Opener opener, Consumer<ConnectOpen> closed, ServerCallStreamObserver<ConnectResponse> observer) {
        this.opener = opener;
        this.closed = closed;
        this.observer = observer;
        observer.setOnReadyHandler(this::wake);
        observer.setOnCancelHandler(this::cancel);
    }

    @Override
    public synchronized void onNext(ConnectRequest request) {
        if (cancelled) {
            return;
        }
        if (opened != (request.getRequestCase() != ConnectRequest.RequestCase.OPEN)) {
            refuse("open: out of order (expected: the first message, and once)");
            return;
        }
        switch (request.getRequestCase()) {
            case OPEN -> {
                opened = true;
                datagrams = request.getOpen().hasUdpPort();
                credit = request.getOpen().getCredit();
                Thread thread = new Thread(null, () -> run(request.getOpen()), "port", STACK);
                thread.setDaemon(true);
                thread.start();
            }
            case DATA -> data(request.getData());
            case CREDIT -> {
                credit += Integer.toUnsignedLong(request.getCredit());
                wake();
            }
            case END -> end();
            case REQUEST_NOT_SET -> refuse("request: not set");
        }
    }

    private void data(ByteString data) {
        granted -= data.size() + MESSAGE_COST;
        int most = datagrams ? MAX_DATAGRAM : MAX_DATA;
        if ((data.isEmpty() && !datagrams) || data.size() > most || granted < 0 || inputEnded) {
            refuse("data: " + data.size() + " bytes (expected: at most " + most
                    + ", some but in a datagram, not more than was granted, and before the end)");
            return;
        }
        input.add(data);
        wake();
    }

    private synchronized void end() {
        inputEnded = true;
        wake();
    }

    private synchronized void refuse(String problem) {
        cancel();
        fail(Status.INVALID_ARGUMENT.withDescription(problem));
    }

    @Override
    public void onError(Throwable error) {
        cancel();
    }

    @Override
    public void onCompleted() {
        end();
    }

    private synchronized void cancel() {
        cancelled = true;
        wake();
    }

    private synchronized void wake() {
        if (socket != null) {
            socket.wake();
        }
    }

    private void run(ConnectOpen target) {
        StreamSocket connection;
        try {
            connection = opener.open(target);
        } catch (Errno | RuntimeException e) {
            fail(PortServiceImplementation.statusOf(e));
            return;
        }
        boolean whole = false;
        try {
            synchronized (this) {
                socket = connection;
                granted = datagrams ? DATAGRAM_WINDOW : WINDOW;
                send(ConnectResponse.newBuilder().setConnected(granted));
            }
            carry(connection);
            whole = isWhole();
        } catch (Errno e) {
            fail(Status.ABORTED.withDescription(String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            // gRPC refuses messages once the call is over.
            fail(Status.INTERNAL.withDescription(String.valueOf(e.getMessage())));
        } finally {
            connection.close(!whole);
            closed.accept(target);
        }
        if (whole) {
            complete();
        }
    }

    private synchronized boolean isWhole() {
        return !cancelled;
    }

    /** Returns when both directions have ended, or nobody wants it any more. */
    private void carry(StreamSocket connection) throws Errno {
        while (!(readEnded && writeEnded)) {
            boolean moved = isDatagrams() ? sendDatagram(connection) : write(connection);
            moved |= isDatagrams() ? receiveDatagram(connection) : read(connection);
            synchronized (this) {
                if (cancelled) {
                    return;
                }
            }
            if (!moved && !(readEnded && writeEnded)) {
                boolean half = readEnded || writeEnded;
                if (!connection.await(mayRead(), written < pending.length, half ? HALF_CLOSED_MILLIS : -1)) {
                    throw new Errno("wait for the other half of a connection to end", Errno.ETIMEDOUT);
                }
            }
        }
        if (broken) {
            throw new Errno("write to who listens", Errno.EPIPE);
        }
    }

    private synchronized boolean isDatagrams() {
        return datagrams;
    }

    /** Returns whether it got any further. Nobody may be there, or not have room: then it is lost. */
    private boolean sendDatagram(StreamSocket connection) {
        ByteString next;
        synchronized (this) {
            next = input.poll();
            if (next == null && !inputEnded) {
                return false;
            }
        }
        if (next == null) {
            readEnded = true;
            writeEnded = true;
            send(ConnectResponse.newBuilder().setEnd(ConnectEnd.getDefaultInstance()));
            return true;
        }
        byte[] datagram = next.toByteArray();
        if (connection.write(datagram, 0, datagram.length) == -Errno.ECONNREFUSED) {
            // That was said of one before it, and this one was not sent.
            var _ = connection.write(datagram, 0, datagram.length);
        }
        grant(datagram.length + MESSAGE_COST);
        return true;
    }

    /** Returns whether it got any further. What comes while the agent takes none is lost once the socket has no room. */
    private boolean receiveDatagram(StreamSocket connection) {
        if (!mayRead()) {
            return false;
        }
        if (output.length == 0) {
            output = new byte[MAX_DATAGRAM];
        }
        int n = connection.read(output, output.length);
        if (n == -Errno.EAGAIN) {
            return false;
        }
        // Else it says that nobody was there when something was sent, which may be different by now.
        if (n >= 0) {
            synchronized (this) {
                credit -= n + MESSAGE_COST;
            }
            send(ConnectResponse.newBuilder().setData(ByteString.copyFrom(output, 0, n)));
        }
        return true;
    }

    /** Returns whether it got any further. */
    private boolean write(StreamSocket connection) {
        if (writeEnded) {
            return false;
        }
        if (written == pending.length) {
            ByteString next;
            boolean ended;
            synchronized (this) {
                next = input.poll();
                ended = next == null && inputEnded;
            }
            if (ended) {
                writeEnded = true;
                connection.shutdownWrite();
                return true;
            }
            pending = next == null ? new byte[0] : next.toByteArray();
            written = 0;
            if (pending.length == 0) {
                return false;
            }
        }
        int n = broken ? pending.length - written : connection.write(pending, written, pending.length - written);
        if (n == -Errno.EAGAIN) {
            return false;
        }
        if (n < 0) {
            // Nobody reads any more, but may have said something before; what comes is thrown away, as the kernel
            // would.
            broken = true;
            return true;
        }
        written += n;
        if (written == pending.length) {
            grant(pending.length + MESSAGE_COST);
        }
        return true;
    }

    private void grant(int room) {
        taken += room;
        if (taken >= WINDOW / 2) {
            synchronized (this) {
                granted += taken;
                send(ConnectResponse.newBuilder().setCredit(taken));
            }
            taken = 0;
        }
    }

    private synchronized long room() {
        return credit - MESSAGE_COST;
    }

    private boolean mayRead() {
        return !readEnded && room() >= (isDatagrams() ? MAX_DATAGRAM : 1) && observer.isReady();
    }

    /** Returns whether it got any further. */
    private boolean read(StreamSocket connection) throws Errno {
        if (!mayRead()) {
            return false;
        }
        if (output.length == 0) {
            output = new byte[MAX_DATA];
        }
        int n = connection.read(output, (int) Math.min(output.length, room()));
        if (n == -Errno.EAGAIN) {
            return false;
        }
        if (n < 0) {
            throw new Errno("read from who listens", -n);
        }
        if (n == 0) {
            readEnded = true;
            send(ConnectResponse.newBuilder().setEnd(ConnectEnd.getDefaultInstance()));
            return true;
        }
        synchronized (this) {
            credit -= n + MESSAGE_COST;
        }
        send(ConnectResponse.newBuilder().setData(ByteString.copyFrom(output, 0, n)));
        return true;
    }

    private synchronized void send(ConnectResponse.Builder response) {
        if (!cancelled) {
            observer.onNext(response.build());
        }
    }

    private synchronized void complete() {
        if (!cancelled) {
            observer.onCompleted();
        }
    }

    private synchronized void fail(Status status) {
        if (!observer.isCancelled()) {
            try {
                observer.onError(status.asException());
            } catch (IllegalStateException e) {
                // It is over already.
            }
        }
        cancelled = true;
    }
}
