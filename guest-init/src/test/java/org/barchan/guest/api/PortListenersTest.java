package org.barchan.guest.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.atomic.AtomicLong;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ConnectOpen;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse.ResponseCase;
import org.barchan.guest.v1.ListenRequest;
import org.barchan.guest.v1.ListenResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ports that the guest listens at, at which whoever connects is the test. */
@Timeout(20)
final class PortListenersTest {
    /** Made here, since the JVM needs more stack for the first message than the threads of the guest have. */
    private static final ListenResponse LISTENING =
            ListenResponse.newBuilder().setListening(4000).build();

    private final FakeListeningSocket server = new FakeListeningSocket();
    private final FakeCall<ListenResponse> call = new FakeCall<>();
    private final AtomicLong now = new AtomicLong();
    private final PortListeners listeners = new PortListeners(port -> server, now::get);

    private void listen() throws Exception {
        listeners.listen(0, call);
        assertEquals(LISTENING, call.next());
    }

    private long accepted(StreamSocket socket) throws Exception {
        server.connect(socket);
        ListenResponse response = call.next();
        assertTrue(response.hasAccepted(), response::toString);
        return response.getAccepted();
    }

    private void assertGone(long id) {
        assertEquals(
                Errno.ENOENT,
                assertThrows(Errno.class, () -> listeners.take(id)).number());
    }

    @Test
    void connection_isTakenOnce() throws Exception {
        listen();
        FakeSocket one = new FakeSocket();
        FakeSocket other = new FakeSocket();
        long first = accepted(one);
        long second = accepted(other);
        assertSame(other, listeners.take(second));
        assertSame(one, listeners.take(first));
        assertGone(first);
        assertGone(second);
        assertGone(77);
    }

    @Test
    void connection_isCarried() throws Exception {
        var service = new PortServiceImplementation(
                _ -> {
                    throw new Errno("connect", Errno.ECONNREFUSED);
                },
                listeners);
        service.listen(ListenRequest.getDefaultInstance(), call);
        assertEquals(LISTENING, call.next());
        FakeSocket socket = new FakeSocket();
        long id = accepted(socket);
        FakeConnectCall carried = new FakeConnectCall();
        service.connect(carried)
                .onNext(ConnectRequest.newBuilder()
                        .setOpen(ConnectOpen.newBuilder().setAccepted(id).setCredit(1000))
                        .build());
        var _ = carried.next(ResponseCase.CONNECTED);
        socket.arrive(new byte[5]);
        assertEquals(5, carried.next(ResponseCase.DATA).getData().size());
        FakeConnectCall again = new FakeConnectCall();
        service.connect(again)
                .onNext(ConnectRequest.newBuilder()
                        .setOpen(ConnectOpen.newBuilder().setAccepted(id).setCredit(1000))
                        .build());
        assertEquals(Status.Code.NOT_FOUND, again.status().getCode());
    }

    @Test
    void connection_thatNobodyTakes_isReset() throws Exception {
        listen();
        FakeSocket socket = new FakeSocket();
        long id = accepted(socket);
        now.set(PortListeners.PATIENCE_NANOS);
        server.wake();
        assertTrue(socket.awaitClosed(), "it is not reset");
        assertGone(id);
    }

    @Test
    void connections_beyondWhatMayWait_areLeftToTheKernel() throws Exception {
        listen();
        long first = 0;
        for (int i = 0; i < PortListeners.MAX_WAITING; i++) {
            long id = accepted(new FakeSocket());
            first = i == 0 ? id : first;
        }
        server.connect(new FakeSocket());
        server.wake();
        assertEquals(1, server.left());
        assertTrue(call.isEmpty());
        var _ = listeners.take(first);
        server.wake();
        assertTrue(call.next().hasAccepted());
    }

    @Test
    void noDescriptor_isWaitedFor() throws Exception {
        listen();
        server.fail();
        FakeSocket socket = new FakeSocket();
        server.connect(socket);
        server.awaitFailed();
        server.wake();
        assertSame(socket, listeners.take(call.next().getAccepted()));
    }

    @Test
    void cancelled_listensNoMore_andResetsWhoWaits() throws Exception {
        listen();
        FakeSocket socket = new FakeSocket();
        long id = accepted(socket);
        call.cancel();
        server.awaitClosed();
        assertTrue(socket.awaitClosed(), "it is not reset");
        assertGone(id);
    }

    @Test
    void tooManyPorts_areRefused() throws Exception {
        for (int i = 0; i < PortListeners.MAX_LISTENERS; i++) {
            listeners.listen(0, new FakeCall<>());
        }
        assertEquals(
                Status.Code.RESOURCE_EXHAUSTED,
                assertThrows(StatusRuntimeException.class, () -> listeners.listen(0, call))
                        .getStatus()
                        .getCode());
    }

    @Test
    void portThatCanNotBeListenedAt_takesNoPlace() throws Exception {
        PortListeners refused = new PortListeners(
                port -> {
                    throw new Errno("listen at TCP port " + port, 98);
                },
                now::get);
        for (int i = 0; i <= PortListeners.MAX_LISTENERS; i++) {
            assertThrows(Errno.class, () -> refused.listen(80, call));
        }
        new PortServiceImplementation(_ -> new FakeSocket(), refused)
                .listen(ListenRequest.newBuilder().setTcpPort(80).build(), call);
        assertEquals(Status.Code.FAILED_PRECONDITION, call.status().getCode());
        assertEquals("listen at TCP port 80: address in use", call.status().getDescription());
    }

    @Test
    void portThatNoThreadIsLeftFor_isListenedAtNoMore_andTakesNoPlace() throws Exception {
        FakeCall<ListenResponse> broken = new FakeCall<>() {
            @Override
            public void setOnCancelHandler(Runnable handler) {
                throw new IllegalStateException("no more");
            }
        };
        for (int i = 0; i <= PortListeners.MAX_LISTENERS; i++) {
            assertThrows(IllegalStateException.class, () -> listeners.listen(0, broken));
        }
        server.awaitClosed();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 65536})
    void portThatIsNone_isRefused(int port) {
        assertThrows(IllegalArgumentException.class, () -> listeners.listen(port, call));
    }
}
