package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.v1.ListenRequest;
import org.barchan.guest.v1.ListenResponse;
import org.barchan.guest.v1.PortServiceGrpc;
import org.barchan.host.port.Guest;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Guests that listen, and say what the test has them say, over a real link. */
@Timeout(value = 40, unit = TimeUnit.SECONDS)
class ListenTest {
    private static final org.barchan.v1.ListenRequest PORT_80 =
            org.barchan.v1.ListenRequest.newBuilder().setTcpPort(80).build();

    @TempDir
    Path directory;

    private final NettyGuestLink link = new NettyGuestLink();
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final List<org.barchan.v1.ListenResponse> taken = new CopyOnWriteArrayList<>();
    private AutoCloseable peer = () -> {};

    @AfterEach
    void stop() throws Exception {
        link.close();
        peer.close();
    }

    private Guest guest(Optional<Status> end, ListenResponse... responses) throws Exception {
        TestGuest guest = new TestGuest(directory, Optional.of(new PortServiceGrpc.PortServiceImplBase() {
            @Override
            public void listen(ListenRequest request, StreamObserver<ListenResponse> observer) {
                ((ServerCallStreamObserver<ListenResponse>) observer).setOnCancelHandler(cancelled::countDown);
                assertEquals(80, request.getTcpPort());
                List.of(responses).forEach(observer::onNext);
                end.ifPresent(status -> observer.onError(status.asException()));
            }
        }));
        peer = guest;
        return link.open(SandboxId.random(), guest.socket);
    }

    private static ListenResponse listening(int port) {
        return ListenResponse.newBuilder().setListening(port).build();
    }

    private static ListenResponse accepted(long id) {
        return ListenResponse.newBuilder().setAccepted(id).build();
    }

    private SandboxException failure(Guest guest) {
        return assertThrows(SandboxException.class, () -> guest.listen(PORT_80, taken::add));
    }

    private void assertHostile(String what, ListenResponse... responses) throws Exception {
        SandboxException error = failure(guest(Optional.empty(), responses));
        assertEquals(Code.LOST, error.code());
        assertTrue(String.valueOf(error.getMessage()).contains(what), error::toString);
        assertTrue(cancelled.await(10, TimeUnit.SECONDS), "the guest is not told");
    }

    @Test
    void connections_areTold() throws Exception {
        var _ = failure(guest(Optional.of(Status.ABORTED), listening(80), accepted(1), accepted(-1)));
        assertEquals(3, taken.size());
        assertEquals(80, taken.getFirst().getTcpPort());
        assertEquals(1, taken.get(1).getAcceptedConnection());
        assertEquals(-1, taken.getLast().getAcceptedConnection());
    }

    @Test
    void portThatIsTaken_isSaid() throws Exception {
        SandboxException error =
                failure(guest(Optional.of(Status.FAILED_PRECONDITION.withDescription("address in use"))));
        assertEquals(Code.PRECONDITION, error.code());
        assertTrue(String.valueOf(error.getMessage()).contains("address in use"), error::toString);
    }

    @Test
    void connectionBeforeItListens_isHostile() throws Exception {
        assertHostile("before it listens", accepted(1));
    }

    @Test
    void anotherPort_isHostile() throws Exception {
        assertHostile("another port: 81", listening(81));
    }

    @Test
    void listeningTwice_isHostile() throws Exception {
        assertHostile("something else than a connection", listening(80), listening(80));
    }

    @Test
    void takerThatFails_endsIt() throws Exception {
        Guest guest = guest(Optional.empty(), listening(80));
        assertThrows(
                IOException.class,
                () -> guest.listen(PORT_80, response -> {
                    throw new IOException("gone");
                }));
        assertTrue(cancelled.await(10, TimeUnit.SECONDS), "the guest is not told");
    }
}
