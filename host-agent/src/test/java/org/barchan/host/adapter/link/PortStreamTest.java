package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.v1.ConnectEnd;
import org.barchan.guest.v1.ConnectRequest;
import org.barchan.guest.v1.ConnectResponse;
import org.barchan.guest.v1.PortServiceGrpc;
import org.barchan.host.port.Guest;
import org.barchan.host.port.PortConnection;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections to guests that do what the test says, over a real link. */
@Timeout(value = 40, unit = TimeUnit.SECONDS)
class PortStreamTest {
    private static final PortAddress PORT = new PortAddress.Tcp(80);

    @TempDir
    Path directory;

    private final NettyGuestLink link = new NettyGuestLink();
    private AutoCloseable peer = () -> {};

    @AfterEach
    void stop() throws Exception {
        link.close();
        peer.close();
    }

    /** What a guest does with a message. */
    private interface Answer {
        void to(ConnectRequest request, StreamObserver<ConnectResponse> responses);
    }

    private Guest guest(Answer answer) throws Exception {
        return guest(answer, new CountDownLatch(0));
    }

    private Guest guest(Answer answer, CountDownLatch cancelled) throws Exception {
        TestGuest guest = new TestGuest(directory, Optional.of(new PortServiceGrpc.PortServiceImplBase() {
            @Override
            public StreamObserver<ConnectRequest> connect(StreamObserver<ConnectResponse> responses) {
                ((ServerCallStreamObserver<ConnectResponse>) responses).setOnCancelHandler(cancelled::countDown);
                return new StreamObserver<>() {
                    @Override
                    public void onNext(ConnectRequest request) {
                        answer.to(request, responses);
                    }

                    @Override
                    public void onError(Throwable error) {}

                    @Override
                    public void onCompleted() {}
                };
            }
        }));
        peer = guest;
        return link.open(SandboxId.random(), guest.socket);
    }

    private static ConnectResponse connected(int credit) {
        return ConnectResponse.newBuilder().setConnected(credit).build();
    }

    private static ConnectResponse data(int size) {
        return ConnectResponse.newBuilder()
                .setData(ByteString.copyFrom(new byte[size]))
                .build();
    }

    private static ConnectResponse end() {
        return ConnectResponse.newBuilder()
                .setEnd(ConnectEnd.getDefaultInstance())
                .build();
    }

    /** A guest that answers the first message so. */
    private void hostile(String reason, ConnectResponse... responses) throws Exception {
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                for (ConnectResponse response : responses) {
                    observer.onNext(response);
                }
            }
        });
        SandboxException error = assertThrows(SandboxException.class, () -> {
            PortConnection connection = guest.connect(PORT);
            while (connection.take().isPresent()) {
                // It is to fail at last.
            }
        });
        assertEquals(Code.LOST, error.code());
        assertTrue(String.valueOf(error.getMessage()).contains("guest sent " + reason), error.getMessage());
    }

    @Test
    void dataBeforeItIsConnected_isRefused() throws Exception {
        hostile("something before it is connected", data(1));
    }

    @Test
    void connectedTwice_isRefused() throws Exception {
        hostile("that it is connected twice", connected(1), connected(1));
    }

    @Test
    void emptyMessage_isRefused() throws Exception {
        hostile("an empty message", connected(1), ConnectResponse.getDefaultInstance());
    }

    @Test
    void emptyData_isRefused() throws Exception {
        hostile("0 bytes of data", connected(1), data(0));
    }

    @Test
    void tooMuchAtOnce_isRefused() throws Exception {
        hostile(PortStream.MAX_DATA + 1 + " bytes of data", connected(1), data(PortStream.MAX_DATA + 1));
    }

    @Test
    void dataBehindItsEnd_isRefused() throws Exception {
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(1 << 20));
                observer.onNext(end());
                observer.onNext(data(1));
            }
        });
        SandboxException error = assertThrows(SandboxException.class, () -> {
            PortConnection connection = guest.connect(PORT);
            while (true) {
                connection.write(ByteString.copyFrom(new byte[1 << 20]));
            }
        });
        assertTrue(String.valueOf(error.getMessage()).contains("before the end"), error.getMessage());
    }

    @Test
    void creditWithoutMeasure_isRefused() throws Exception {
        hostile("a credit of 4294967295 bytes", connected(-1));
        peer.close();
    }

    @Test
    void moreThanWasGranted_isRefused_andNotKept() throws Exception {
        int messages = PortStream.WINDOW / (PortStream.MAX_DATA + PortStream.MESSAGE_COST) + 1;
        CountDownLatch cancelled = new CountDownLatch(1);
        Guest guest = guest(
                (request, observer) -> {
                    if (request.hasOpen()) {
                        observer.onNext(connected(1));
                        for (int i = 0; i < messages; i++) {
                            observer.onNext(data(PortStream.MAX_DATA));
                        }
                    }
                },
                cancelled);
        SandboxException error = assertThrows(SandboxException.class, () -> {
            PortConnection connection = guest.connect(PORT);
            assertTrue(cancelled.await(10, TimeUnit.SECONDS), "it is not cut off");
            var _ = connection.take();
        });
        assertTrue(String.valueOf(error.getMessage()).contains("not more than was granted"), error.getMessage());
    }

    @Test
    void endOfTheCall_thatComesTooSoon_isRefused() throws Exception {
        Guest guest = guest((request, observer) -> observer.onCompleted());
        SandboxException error = assertThrows(SandboxException.class, () -> guest.connect(PORT));
        assertEquals(Code.LOST, error.code());
    }

    @Test
    void connectionThatCanNotBeMade_saysWhy_withNothingToHarmATerminal() throws Exception {
        Guest guest = guest((request, observer) -> observer.onError(Status.FAILED_PRECONDITION
                .withDescription("connection\u001b[31m refused")
                .asException()));
        SandboxException error = assertThrows(SandboxException.class, () -> guest.connect(PORT));
        assertEquals(Code.PRECONDITION, error.code());
        assertTrue(
                String.valueOf(error.getMessage())
                        .contains("connecting to TCP port 80 failed: connection\\u001b[31m refused"),
                error.getMessage());
    }

    @Test
    void reset_isALoss() throws Exception {
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(1));
                observer.onError(
                        Status.ABORTED.withDescription("connection reset").asException());
            }
        });
        SandboxException error =
                assertThrows(SandboxException.class, () -> guest.connect(PORT).take());
        assertEquals(Code.LOST, error.code());
    }

    @Test
    void noMoreThanTheGuestTakes_isSent() throws Exception {
        CompletableFuture<StreamObserver<ConnectResponse>> responses = new CompletableFuture<>();
        CompletableFuture<Integer> first = new CompletableFuture<>();
        CompletableFuture<Integer> second = new CompletableFuture<>();
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                assertEquals("/run/x", request.getOpen().getUnixPath().toStringUtf8());
                observer.onNext(connected(PortStream.MESSAGE_COST + 10));
                responses.complete(observer);
            } else if (!first.complete(request.getData().size())) {
                second.complete(request.getData().size());
            }
        });
        PortConnection connection = guest.connect(new PortAddress.Unix(new GuestPath("/run/x")));
        CompletableFuture<Void> written = CompletableFuture.runAsync(() -> {
            try {
                connection.write(ByteString.copyFrom(new byte[15]));
            } catch (SandboxException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertEquals(10, first.get(10, TimeUnit.SECONDS));
        responses
                .join()
                .onNext(ConnectResponse.newBuilder()
                        .setCredit(PortStream.MESSAGE_COST + 10)
                        .build());
        assertEquals(5, second.get(10, TimeUnit.SECONDS));
        written.get(10, TimeUnit.SECONDS);
        connection.close();
    }

    @Test
    void endedByOneSide_thenBrokenOff_tellsWhoWaitsForTheOther() throws Exception {
        CompletableFuture<StreamObserver<ConnectResponse>> responses = new CompletableFuture<>();
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(1));
                observer.onNext(end());
                responses.complete(observer);
            }
        });
        PortConnection connection = guest.connect(PORT);
        assertTrue(connection.take().isEmpty());
        CompletableFuture<Code> told = CompletableFuture.supplyAsync(
                () -> assertThrows(SandboxException.class, connection::awaitEnd).code());
        responses.join().onError(Status.ABORTED.asRuntimeException());
        assertEquals(Code.LOST, told.get(10, TimeUnit.SECONDS));
        connection.close();
    }

    @Test
    void endedByBothSides_isNotWaitedForAnyMore() throws Exception {
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(1));
                observer.onNext(end());
            } else if (request.hasEnd()) {
                observer.onCompleted();
            }
        });
        PortConnection connection = guest.connect(PORT);
        assertTrue(connection.take().isEmpty());
        connection.end();
        connection.awaitEnd();
        connection.close();
    }

    @Test
    void datagrams_areNotTakenApart() throws Exception {
        int longest = PortAddress.Udp.MAX_DATAGRAM;
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                assertEquals(53, request.getOpen().getUdpPort());
                observer.onNext(connected(longest + PortStream.MESSAGE_COST));
            } else if (request.hasData()) {
                int size = request.getData().size();
                observer.onNext(ConnectResponse.newBuilder()
                        .setCredit(size + PortStream.MESSAGE_COST)
                        .build());
                observer.onNext(data(size));
            }
        });
        PortConnection connection = guest.connect(new PortAddress.Udp(53));
        for (int size : new int[] {longest, 0, 40_000, longest}) {
            connection.write(ByteString.copyFrom(new byte[size]));
            assertEquals(size, connection.take().orElseThrow().size());
        }
        connection.close();
    }

    @Test
    void datagrams_thatAGuestDoesNotTake_areLost_andNotWaitedFor() throws Exception {
        CompletableFuture<StreamObserver<ConnectResponse>> responses = new CompletableFuture<>();
        BlockingQueue<Integer> sizes = new LinkedBlockingQueue<>();
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(PortStream.MESSAGE_COST + 10));
                responses.complete(observer);
            } else {
                sizes.add(request.getData().size());
            }
        });
        PortConnection connection = guest.connect(new PortAddress.Udp(53));
        for (int size : new int[] {11, 10, 9}) {
            connection.write(ByteString.copyFrom(new byte[size]));
        }
        responses
                .get()
                .onNext(ConnectResponse.newBuilder()
                        .setCredit(PortStream.MESSAGE_COST + 8)
                        .build());
        responses.get().onNext(data(1));
        assertTrue(connection.take().isPresent());
        connection.write(ByteString.copyFrom(new byte[8]));
        assertEquals(10, sizes.poll(10, TimeUnit.SECONDS));
        assertEquals(8, sizes.poll(10, TimeUnit.SECONDS));
        connection.close();
    }

    private interface Use {
        void of(PortStream connection) throws SandboxException, InterruptedException;
    }

    /** A guest that does nothing any more after its answer to the first message. */
    private void brokenOff(Use use, ConnectResponse... responses) throws Exception {
        CountDownLatch cancelled = new CountDownLatch(1);
        var _ = guest(
                (request, observer) -> {
                    if (request.hasOpen()) {
                        for (ConnectResponse response : responses) {
                            observer.onNext(response);
                        }
                    }
                },
                cancelled);
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try (GuestChannel channel = new GuestChannel(SandboxId.random(), directory.resolve("guest.sock"), loops);
                PortStream connection = PortStream.connect(channel, PORT, Duration.ofMillis(200))) {
            SandboxException error = assertThrows(SandboxException.class, () -> use.of(connection));
            assertEquals(Code.LOST, error.code());
            assertTrue(String.valueOf(error.getMessage()).contains("was broken off"), error.getMessage());
            assertThrows(SandboxException.class, connection::awaitEnd);
            assertTrue(cancelled.await(10, TimeUnit.SECONDS), "the guest is told nothing");
        } finally {
            var _ = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    @Test
    void endedHere_andNeverByTheGuest_isBrokenOff() throws Exception {
        brokenOff(
                connection -> {
                    connection.end();
                    while (connection.take().isPresent()) {
                        // What has come before.
                    }
                },
                connected(1000),
                data(5));
    }

    @Test
    void endedByTheGuest_andNotUsedHere_isBrokenOff() throws Exception {
        brokenOff(PortStream::awaitEnd, connected(1000), end());
    }

    @Test
    void guestThatTakesNothing_isNotWrittenToForEver() throws Exception {
        brokenOff(connection -> connection.write(ByteString.copyFrom(new byte[1000])), connected(500));
    }

    @Test
    void oneThatNobodyTakes_holdsUpNoOther() throws Exception {
        // Each gets all that it is granted at once; together that is more than HTTP/2 has on its way for a connection.
        int messages = PortStream.WINDOW / (PortStream.MAX_DATA + PortStream.MESSAGE_COST);
        Guest guest = guest((request, observer) -> {
            if (request.hasOpen()) {
                observer.onNext(connected(1));
                for (int i = 0; i < messages; i++) {
                    observer.onNext(data(PortStream.MAX_DATA));
                }
                observer.onNext(end());
            } else if (request.hasEnd()) {
                observer.onCompleted();
            }
        });
        for (int i = 0; i < 10; i++) {
            var _ = guest.connect(PORT);
        }
        PortConnection last = guest.connect(PORT);
        int bytes = 0;
        for (Optional<ByteString> data = last.take(); data.isPresent(); data = last.take()) {
            bytes += data.get().size();
        }
        assertEquals(messages * PortStream.MAX_DATA, bytes);
        last.end();
        last.close();
    }

    @Test
    void closed_resetsIt() throws Exception {
        CountDownLatch cancelled = new CountDownLatch(1);
        Guest guest = guest(
                (request, observer) -> {
                    if (request.hasOpen()) {
                        observer.onNext(connected(1));
                    }
                },
                cancelled);
        guest.connect(PORT).close();
        assertTrue(cancelled.await(10, TimeUnit.SECONDS), "the guest is told nothing");
    }
}
