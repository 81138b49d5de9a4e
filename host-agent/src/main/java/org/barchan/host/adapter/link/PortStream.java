package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.barchan.guest.v1.ConnectEnd;
import org.barchan.guest.v1.ConnectOpen;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse;
import org.barchan.guest.v1.PortServiceGrpc;
import org.barchan.host.port.PortConnection;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.jspecify.annotations.Nullable;

/**
 * One connection to what listens in a guest. All that the guest sends is taken from gRPC at once, so that one that nobody takes holds up no
 * other call over the link; how much it may send is granted, and a guest that sends more is cut off.
 */
final class PortStream implements PortConnection, ClientResponseObserver<ConnectRequest, ConnectResponse> {
    /** What a message takes of what is granted besides its bytes: as much as it takes of memory, about. */
    static final int MESSAGE_COST = 256;

    static final int MAX_DATA = 32 * 1024;
    /** What may wait here for who takes. */
    static final int WINDOW = 128 * 1024;

    /** Of these, one may wait here for HTTP/2 before another is written: the next one would else be lost. */
    private static final int LONGEST_DATAGRAM = 64 * 1024;

    /** No honest guest grants so much. */
    private static final long MOST_CREDIT = 1L << 20;

    /** How long a guest may take to complete a call that both sides have ended. */
    private static final Duration COMPLETE_TIME = Duration.ofSeconds(60);

    /** More than the guest waits for who listens. */
    private static final Duration CONNECT_TIME = Duration.ofSeconds(20);

    /** More than an honest guest waits, once one side has ended, for the other to end or to do anything. */
    static final Duration SILENCE = Duration.ofMinutes(31);

    private final GuestChannel channel;
    private final String action;
    private final boolean datagrams;
    private final Duration silence;
    private final Consumer<String> cancel = this::lost;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    // Guarded by the lock.
    private final Deque<ByteString> arrived = new ArrayDeque<>();
    private @Nullable ClientCallStreamObserver<ConnectRequest> requests;
    private boolean connected;
    private long credit;
    private long granted = WINDOW;
    private int taken;
    private boolean endSent;
    private boolean endArrived;
    private boolean over;
    private @Nullable SandboxException failure;
    /** When there was something of either side. */
    private long last = System.nanoTime();

    private PortStream(GuestChannel channel, PortAddress address, Duration silence) {
        this.channel = channel;
        this.action = "connecting to " + address;
        this.datagrams = address instanceof PortAddress.Udp;
        this.silence = silence;
    }

    /**
     * Returns when it is connected.
     *
     * @param silence for how long nothing may happen where something is to: a hostile guest would else hold a place for ever
     */
    static PortStream connect(GuestChannel channel, PortAddress address, Duration silence)
            throws SandboxException, InterruptedException {
        PortStream stream = new PortStream(channel, address, silence);
        channel.watch(stream.cancel);
        boolean connected = false;
        try {
            var _ = ClientCalls.asyncBidiStreamingCall(
                    channel.newCall(PortServiceGrpc.getConnectMethod(), stream.datagrams ? LONGEST_DATAGRAM : MAX_DATA),
                    stream);
            stream.open(address);
            connected = true;
            return stream;
        } finally {
            if (!connected) {
                stream.close();
            }
        }
    }

    private void open(PortAddress address) throws SandboxException, InterruptedException {
        ConnectOpen.Builder open = ConnectOpen.newBuilder().setCredit(WINDOW);
        switch (address) {
            case PortAddress.Tcp(int port) -> open.setTcpPort(port);
            case PortAddress.Udp(int port) -> open.setUdpPort(port);
            case PortAddress.Accepted(long id) -> open.setAccepted(id);
            case PortAddress.Unix unix ->
                open.setUnixPath(ByteString.copyFrom(unix.path().bytes()));
        }
        lock.lock();
        try {
            send(ConnectRequest.newBuilder().setOpen(open));
            long left = CONNECT_TIME.toNanos();
            while (!connected) {
                check();
                if (left <= 0) {
                    throw new SandboxException(
                            SandboxException.Code.TIMEOUT,
                            channel.describe(action) + " failed: the guest has not answered within "
                                    + CONNECT_TIME.toSeconds() + " s");
                }
                left = news.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void write(ByteString data) throws SandboxException, InterruptedException {
        lock.lock();
        try {
            check();
            if (datagrams) {
                if (mayWrite(data.size())) {
                    sendData(data);
                }
                return;
            }
            ByteString rest = data;
            while (!rest.isEmpty()) {
                // Whoever wrote may have gone meanwhile: that is not seen before this returns.
                for (long begun = System.nanoTime(); !mayWrite(1); check()) {
                    var _ = news.awaitNanos(patience(begun));
                }
                int size = (int) Math.min(Math.min(rest.size(), MAX_DATA), credit - MESSAGE_COST);
                sendData(rest.substring(0, size));
                rest = rest.substring(size);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What the guest grants is worth nothing where HTTP/2 lets nothing through: it would wait in this process. */
    private boolean mayWrite(int size) {
        return credit >= MESSAGE_COST + size && (requests == null || requests.isReady());
    }

    private void sendData(ByteString data) {
        credit -= data.size() + MESSAGE_COST;
        last = System.nanoTime();
        send(ConnectRequest.newBuilder().setData(data));
    }

    /** Returns for how long news may be waited for, if at all: else breaks the connection off, and throws that. */
    private long patience(long since) throws SandboxException {
        long left = silence.toNanos() - (System.nanoTime() - since);
        if (left <= 0) {
            fail(new SandboxException(
                    SandboxException.Code.LOST,
                    channel.describe(action) + " was broken off: nothing has happened for " + silence.toSeconds()
                            + " s"));
            check();
        }
        return left;
    }

    @Override
    public void end() throws SandboxException {
        lock.lock();
        try {
            check();
            if (!endSent) {
                endSent = true;
                last = System.nanoTime();
                send(ConnectRequest.newBuilder().setEnd(ConnectEnd.getDefaultInstance()));
                endCall();
                news.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void awaitEnd() throws SandboxException, InterruptedException {
        lock.lock();
        try {
            for (check(); !endSent; check()) {
                var _ = news.awaitNanos(patience(last));
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<ByteString> take() throws SandboxException, InterruptedException {
        lock.lock();
        try {
            while (arrived.isEmpty() && !endArrived) {
                check();
                if (endSent) {
                    var _ = news.awaitNanos(patience(last));
                } else {
                    news.await();
                }
            }
            ByteString data = arrived.poll();
            if (data == null) {
                return Optional.empty();
            }
            taken += data.size() + MESSAGE_COST;
            // The guest reads a datagram only when the longest may come.
            if (taken >= (datagrams ? WINDOW / 4 : WINDOW / 2) && !endArrived && !over) {
                granted += taken;
                send(ConnectRequest.newBuilder().setCredit(taken));
                taken = 0;
            }
            return Optional.of(data);
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more is sent once both sides have ended. */
    private void endCall() {
        if (requests != null && endSent && endArrived && !over) {
            requests.onCompleted();
        }
    }

    /** Throws why it is over, if that was not in order. */
    private void check() throws SandboxException {
        if (failure != null) {
            throw new SandboxException(failure.code(), String.valueOf(failure.getMessage()), failure);
        }
    }

    private void send(ConnectRequest.Builder request) {
        if (requests != null && !over) {
            requests.onNext(request.build());
        }
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ConnectRequest> stream) {
        requests = stream;
        stream.setOnReadyHandler(this::ready);
    }

    private void ready() {
        lock.lock();
        try {
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Called by the event loop; does not block. */
    @Override
    public void onNext(ConnectResponse response) {
        lock.lock();
        try {
            last = System.nanoTime();
            if (connected == (response.getResponseCase() == ConnectResponse.ResponseCase.CONNECTED)) {
                hostile(connected ? "that it is connected twice" : "something before it is connected");
                return;
            }
            switch (response.getResponseCase()) {
                case CONNECTED -> {
                    connected = true;
                    credit(response.getConnected());
                }
                case DATA -> data(response.getData());
                case CREDIT -> credit(response.getCredit());
                case END -> {
                    endArrived = true;
                    endCall();
                    news.signalAll();
                }
                case RESPONSE_NOT_SET -> hostile("an empty message");
            }
        } finally {
            lock.unlock();
        }
    }

    private void credit(int more) {
        credit += Integer.toUnsignedLong(more);
        if (more == 0 || credit > MOST_CREDIT) {
            hostile("a credit of " + Integer.toUnsignedLong(more) + " bytes");
        }
        news.signalAll();
    }

    private void data(ByteString data) {
        granted -= data.size() + MESSAGE_COST;
        int most = datagrams ? PortAddress.Udp.MAX_DATAGRAM : MAX_DATA;
        if ((data.isEmpty() && !datagrams) || data.size() > most || granted < 0 || endArrived) {
            hostile(data.size() + " bytes of data (expected: at most " + most
                    + ", some but in a datagram, not more than was granted, and before the end)");
            return;
        }
        arrived.add(data);
        news.signalAll();
    }

    private void hostile(String what) {
        arrived.clear();
        fail(CheckedMessages.bad(channel.describe(action), what));
    }

    private void lost(String reason) {
        lock.lock();
        try {
            fail(channel.lost(action, reason));
        } finally {
            lock.unlock();
        }
    }

    /** The first reason counts. */
    private void fail(SandboxException reason) {
        if (!over) {
            over = true;
            failure = reason;
            if (requests != null) {
                requests.cancel("given up", null);
            }
            news.signalAll();
        }
    }

    @Override
    public void onError(Throwable error) {
        Status status = Status.fromThrowable(error);
        SandboxException reason = GuestErrors.of(channel.describe(action), status);
        lock.lock();
        try {
            if (!over) {
                over = true;
                failure = status.getCode() == Status.Code.ABORTED
                        ? new SandboxException(SandboxException.Code.LOST, String.valueOf(reason.getMessage()), reason)
                        : reason;
                news.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onCompleted() {
        lock.lock();
        try {
            if (!over && !(endSent && endArrived)) {
                over = true;
                failure = CheckedMessages.bad(channel.describe(action), "the end of a call that has not ended");
            }
            over = true;
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        channel.unwatch(cancel);
        lock.lock();
        try {
            arrived.clear();
            if (!over && endSent && endArrived) {
                // The guest completes the call, when who listens has all.
                var _ = channel.schedule(() -> lost("not completed"), COMPLETE_TIME);
            } else {
                fail(channel.lost(action, "closed"));
            }
        } finally {
            lock.unlock();
        }
    }
}
