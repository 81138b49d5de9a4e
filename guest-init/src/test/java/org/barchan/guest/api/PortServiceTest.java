package org.barchan.guest.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ConnectEnd;
import org.barchan.guest.v1.ConnectOpen;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse.ResponseCase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Connections to sockets that do what the test says. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
final class PortServiceTest {
    private final FakeSocket socket = new FakeSocket();
    private static final PortListeners NOBODY = new PortListeners(
            port -> {
                throw new Errno("listen", Errno.EMFILE);
            },
            System::nanoTime);

    private final FakeConnectCall call = new FakeConnectCall();

    private StreamObserver<ConnectRequest> connect() {
        return new PortServiceImplementation(_ -> socket, NOBODY).connect(call);
    }

    private StreamObserver<ConnectRequest> connected(int credit) throws Exception {
        StreamObserver<ConnectRequest> requests = connect();
        requests.onNext(open(credit));
        assertEquals(PortCall.WINDOW, call.next(ResponseCase.CONNECTED).getConnected());
        return requests;
    }

    private static ConnectRequest open(int credit) {
        return ConnectRequest.newBuilder()
                .setOpen(ConnectOpen.newBuilder().setTcpPort(80).setCredit(credit))
                .build();
    }

    private static ConnectRequest data(int size) {
        return ConnectRequest.newBuilder()
                .setData(ByteString.copyFrom(new byte[size]))
                .build();
    }

    private static ConnectRequest end() {
        return ConnectRequest.newBuilder()
                .setEnd(ConnectEnd.getDefaultInstance())
                .build();
    }

    @Test
    void outOfOrder_isRefused() throws Exception {
        connect().onNext(data(1));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
    }

    @Test
    void openTwice_isRefused_andResets() throws Exception {
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        requests.onNext(open(1));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
        assertTrue(socket.awaitClosed(), "it is not reset");
    }

    @Test
    void addressThatIsNone_isRefused() throws Exception {
        for (ConnectOpen.Builder address : List.of(
                ConnectOpen.newBuilder(),
                ConnectOpen.newBuilder().setTcpPort(0),
                ConnectOpen.newBuilder().setTcpPort(65536),
                ConnectOpen.newBuilder().setUnixPath(ByteString.EMPTY),
                ConnectOpen.newBuilder().setUnixPath(ByteString.copyFromUtf8("run/x")))) {
            FakeConnectCall refused = new FakeConnectCall();
            new PortServiceImplementation(_ -> socket, NOBODY)
                    .connect(refused)
                    .onNext(ConnectRequest.newBuilder().setOpen(address).build());
            assertEquals(Status.Code.INVALID_ARGUMENT, refused.status().getCode());
        }
    }

    @ParameterizedTest
    @CsvSource({"2,NOT_FOUND", "111,FAILED_PRECONDITION", "110,FAILED_PRECONDITION", "24,RESOURCE_EXHAUSTED"})
    void connectionThatCanNotBeMade_saysWhy(int errno, Status.Code code) throws Exception {
        new PortServiceImplementation(
                        _ -> {
                            throw new Errno("connect to TCP port 80", errno);
                        },
                        NOBODY)
                .connect(call)
                .onNext(open(1));
        assertEquals(code, call.status().getCode());
        assertEquals(
                "connect to TCP port 80: " + Errno.describe(errno),
                call.status().getDescription());
    }

    @Test
    void tooManyConnections_areRefused() throws Exception {
        PortServiceImplementation service = new PortServiceImplementation(_ -> new FakeSocket(), NOBODY);
        for (int i = 0; i < PortServiceImplementation.MAX_CONNECTIONS; i++) {
            FakeConnectCall one = new FakeConnectCall();
            service.connect(one).onNext(open(1));
            one.next(ResponseCase.CONNECTED);
        }
        FakeConnectCall refused = new FakeConnectCall();
        service.connect(refused).onNext(open(1));
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, refused.status().getCode());
    }

    @Test
    void moreThanWasGranted_isRefused() throws Exception {
        socket.full = true;
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        requests.onNext(data(PortCall.MAX_DATA));
        assertFalse(call.isOver(), "that was granted");
        requests.onNext(data(PortCall.MAX_DATA));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
        assertTrue(socket.awaitClosed(), "it is not reset");
    }

    @ParameterizedTest
    @CsvSource({"0", "32769"})
    void dataOfAnotherSize_isRefused(int size) throws Exception {
        connected(1 << 20).onNext(data(size));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
    }

    @Test
    void noMoreThanTheAgentTakes_isRead() throws Exception {
        socket.arrive(new byte[1000]);
        StreamObserver<ConnectRequest> requests = connected(PortCall.MESSAGE_COST + 600);
        assertEquals(600, call.next(ResponseCase.DATA).getData().size());
        requests.onNext(ConnectRequest.newBuilder()
                .setCredit(PortCall.MESSAGE_COST + 400)
                .build());
        assertEquals(400, call.next(ResponseCase.DATA).getData().size());
    }

    @Test
    void agentThatIsNotReady_holdsBack() throws Exception {
        call.ready = false;
        socket.arrive(new byte[10]);
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        requests.onNext(data(5));
        assertEquals(5, socket.awaitWritten(5).length);
        assertTrue(call.isEmpty(), "data, though gRPC can't take any");
        call.becomeReady();
        assertEquals(10, call.next(ResponseCase.DATA).getData().size());
    }

    @Test
    void bothWays_allBytesArrive_andEachEndsByItself() throws Exception {
        byte[] there = new byte[PortCall.WINDOW * 3];
        new Random(1).nextBytes(there);
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        socket.arriveEnd();
        call.next(ResponseCase.END);

        long credit = PortCall.WINDOW;
        for (int at = 0; at < there.length; at += PortCall.MAX_DATA / 2) {
            int cost = PortCall.MAX_DATA / 2 + PortCall.MESSAGE_COST;
            while (credit < cost) {
                credit += call.next(ResponseCase.CREDIT).getCredit();
            }
            credit -= cost;
            requests.onNext(ConnectRequest.newBuilder()
                    .setData(ByteString.copyFrom(there, at, PortCall.MAX_DATA / 2))
                    .build());
        }
        requests.onNext(end());
        assertArrayEquals(there, socket.awaitWritten(there.length));
        assertEquals(Status.Code.OK, call.status().getCode());
        assertFalse(socket.awaitClosed(), "it was reset");
        assertTrue(socket.writeEnded, "who listens is not told of the end");
    }

    @Test
    void halfClosed_goesOnTheOtherWay() throws Exception {
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        requests.onNext(end());
        socket.awaitWriteEnded();
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        socket.arrive("answer".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        call.next(ResponseCase.DATA).getData().writeTo(got);
        assertEquals("answer", got.toString(java.nio.charset.StandardCharsets.UTF_8));
        socket.arriveEnd();
        call.next(ResponseCase.END);
        assertEquals(Status.Code.OK, call.status().getCode());
    }

    @Test
    void halfClosed_andSilentForLong_isBrokenOff() throws Exception {
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        socket.late = true;
        requests.onNext(end());
        assertEquals(Status.Code.ABORTED, call.status().getCode());
        assertEquals(PortCall.HALF_CLOSED_MILLIS, socket.patience);
        assertTrue(socket.awaitClosed(), "it is not reset");
    }

    @Test
    void datagrams_areLostWhereTheyHaveNoRoom_andEndWithTheAgents() throws Exception {
        StreamObserver<ConnectRequest> requests = connect();
        requests.onNext(ConnectRequest.newBuilder()
                .setOpen(ConnectOpen.newBuilder().setUdpPort(53).setCredit(1 << 17))
                .build());
        assertEquals(PortCall.DATAGRAM_WINDOW, call.next(ResponseCase.CONNECTED).getConnected());
        socket.full = true;
        requests.onNext(data(PortCall.MAX_DATAGRAM));
        requests.onNext(data(0));
        assertEquals(
                PortCall.MAX_DATAGRAM + PortCall.MESSAGE_COST,
                call.next(ResponseCase.CREDIT).getCredit());
        socket.full = false;
        requests.onNext(data(5));
        assertEquals(5, socket.awaitWritten(5).length);
        socket.arrive(new byte[100]);
        assertEquals(100, call.next(ResponseCase.DATA).getData().size());
        requests.onNext(end());
        call.next(ResponseCase.END);
        assertEquals(Status.Code.OK, call.status().getCode());
    }

    @Test
    void datagramThatIsTooLong_isRefused() throws Exception {
        StreamObserver<ConnectRequest> requests = connect();
        requests.onNext(ConnectRequest.newBuilder()
                .setOpen(ConnectOpen.newBuilder().setUdpPort(53).setCredit(1 << 17))
                .build());
        call.next(ResponseCase.CONNECTED);
        requests.onNext(data(PortCall.MAX_DATAGRAM + 1));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
    }

    @Test
    void reset_isAborted() throws Exception {
        var _ = connected(1 << 20);
        socket.fail(104);
        assertEquals(Status.Code.ABORTED, call.status().getCode());
        assertEquals("read from who listens: connection reset", call.status().getDescription());
    }

    @Test
    void cancelled_resets() throws Exception {
        var _ = connected(1 << 20);
        call.cancel();
        assertTrue(socket.awaitClosed(), "it is not reset");
    }

    @Test
    void endedMessage_behindData_isRefused() throws Exception {
        StreamObserver<ConnectRequest> requests = connected(1 << 20);
        requests.onNext(end());
        requests.onNext(data(1));
        assertEquals(Status.Code.INVALID_ARGUMENT, call.status().getCode());
    }
}
