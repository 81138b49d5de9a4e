package org.barchan.host.adapter.link;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.netty.shaded.io.netty.util.internal.PlatformDependent;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.guest.v1.GuestServiceGrpc;
import org.barchan.guest.v1.ProcessIoRequest;
import org.barchan.guest.v1.ProcessIoResponse;
import org.barchan.guest.v1.StdinWindow;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.link.FrameType;
import org.barchan.link.OutputHeader;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A guest is an HTTP/2 server that attacks its client. */
@Timeout(value = 40, unit = TimeUnit.SECONDS)
class HostileGuestTest {
    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int CONTINUATION = 9;
    /** The first stream of gRPC's client. */
    private static final int STREAM = 3;

    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;

    @TempDir
    Path directory;

    private final NettyGuestLink link = new NettyGuestLink();
    private final CountDownLatch over = new CountDownLatch(1);
    private AutoCloseable peer = () -> {};

    @AfterEach
    void stop() throws Exception {
        over.countDown();
        link.close();
        peer.close();
    }

    @Test
    void silenceBeforeTheSynAck_endsAtTheDeadline() throws Exception {
        Guest guest = attackedBy(connection -> await());
        assertEquals(
                Code.TIMEOUT, failure(() -> guest.hello(Duration.ofMillis(500))).code());
        ProcessConnection streams = guest.attach("p", 0, 0);
        SandboxException error = failure(streams::take);
        assertEquals(Code.TIMEOUT, error.code());
        assertTrue(text(error).contains("did not answer within 30 s"), error.getMessage());
    }

    @Test
    void silenceAfterTheSynAck_endsAtTheDeadline() throws Exception {
        Guest guest = attackedBy(connection -> {
            connection.handshake();
            await();
        });
        assertEquals(
                Code.TIMEOUT, failure(() -> guest.hello(Duration.ofMillis(500))).code());
    }

    @Test
    void garbageInsteadOfTheSynAck_endsWithinBounds() throws Exception {
        Guest guest = attackedBy(connection -> {
            while (true) {
                connection.sendRaw(ByteBuffer.allocate(65536));
            }
        });
        SandboxException error = failure(() -> guest.hello(Duration.ofSeconds(3)));
        assertTrue(error.code() == Code.TIMEOUT || error.code() == Code.LOST, error.getMessage());
        assertBoundedMemory();
    }

    @Test
    void pingFlood_closesTheLinkWithTheReason() throws Exception {
        floodIsRefused(frame(PING, 0, 0, new byte[8]), "too many HTTP/2 frames without data (the last of type 6)");
    }

    @Test
    void settingsFlood_closesTheLinkWithTheReason() throws Exception {
        floodIsRefused(frame(SETTINGS, 0, 0, new byte[0]), "too many HTTP/2 frames without data (the last of type 4)");
    }

    @Test
    void emptyDataFlood_closesTheLinkWithTheReason() throws Exception {
        Guest guest = answering(
                frame(HEADERS, END_HEADERS, STREAM, responseHeaders()),
                repeated(frame(DATA, 0, STREAM, new byte[0]), 30_000));
        SandboxException error = failure(() -> signal(guest));
        assertEquals(Code.LOST, error.code(), error.getMessage());
        assertTrue(
                text(error).contains("too many HTTP/2 frames without data (the last of type 0)"), error.getMessage());
    }

    @Test
    void informationalHeadersFlood_closesTheLinkWithTheReason() throws Exception {
        // ":status: 100", again and again.
        byte[] block = {0x08, 0x03, '1', '0', '0'};
        floodIsRefused(frame(HEADERS, END_HEADERS, STREAM, block), "");
    }

    @Test
    void linkPingFlood_closesTheLinkWithTheReason() throws Exception {
        Guest guest = attackedBy(connection -> {
            connection.handshake();
            drain(connection);
            while (true) {
                connection.send(FrameType.PING, ByteBuffer.allocate(0));
            }
        });
        SandboxException error = failure(() -> signal(guest));
        assertEquals(Code.LOST, error.code());
        assertTrue(text(error).contains("too many frames without payload"), error.getMessage());
    }

    @Test
    void pingFloodOfAGuestThatDoesNotRead_staysWithinBounds() throws Exception {
        byte[] pings = repeated(frame(PING, 0, 0, new byte[8]), 3_000);
        Guest guest = attackedBy(connection -> {
            connection.handshake();
            connection.data(frame(SETTINGS, 0, 0, new byte[0]));
            while (true) {
                connection.data(pings);
            }
        });
        failure(() -> guest.hello(Duration.ofSeconds(3)));
        assertBoundedMemory();
    }

    @Test
    void headersInManyParts_closeTheLink() throws Exception {
        Guest guest = answering(
                frame(HEADERS, 0, STREAM, responseHeaders()),
                repeated(frame(CONTINUATION, 0, STREAM, new byte[0]), 20));
        SandboxException error = failure(() -> signal(guest));
        assertEquals(Code.LOST, error.code());
        assertTrue(text(error).contains("HTTP/2 headers of more than"), error.getMessage());
    }

    @Test
    void hugeHeaders_endTheCall() throws Exception {
        Guest guest = answering(
                frame(HEADERS, 0, STREAM, new byte[16_384]), frame(CONTINUATION, 0, STREAM, new byte[16_384]));
        assertEquals(Code.LOST, failure(() -> signal(guest)).code());
    }

    @Test
    void lyingFrameLength_closesTheLink() throws Exception {
        byte[] lie = frame(DATA, 0, STREAM, new byte[10]);
        lie[0] = (byte) 0xff;
        SandboxException error = failure(() -> signal(answering(lie)));
        assertEquals(Code.LOST, error.code());
        assertTrue(text(error).contains("an HTTP/2 frame of 16711690 bytes"), error.getMessage());
    }

    @Test
    void lyingMessageLength_isRefused() throws Exception {
        Guest guest = answering(
                frame(HEADERS, END_HEADERS, STREAM, responseHeaders()),
                frame(DATA, 0, STREAM, new byte[] {0, -1, -1, -1, -1}));
        assertEquals(Code.EXHAUSTED, failure(() -> signal(guest)).code());
    }

    @Test
    void compressedMessage_isRefused() throws Exception {
        byte[] message = new byte[400];
        message[0] = 1;
        message[4] = (byte) 100;
        Guest guest = answering(
                frame(HEADERS, END_HEADERS, STREAM, responseHeaders("grpc-encoding", "gzip")),
                frame(DATA, 0, STREAM, message));
        failure(() -> signal(guest));
    }

    @Test
    void goAwayWithEscapeCharacters_showsNoneOfIt() throws Exception {
        byte[] text = "\u001b]0;evil\u0007\nevil".getBytes(US_ASCII);
        byte[] body =
                ByteBuffer.allocate(8 + text.length).put(new byte[8]).put(text).array();
        SandboxException error = failure(() -> signal(answering(frame(GOAWAY, 0, 0, body))));
        assertEquals(Code.LOST, error.code());
        assertFalse(text(error).contains("evil"), error.getMessage());
    }

    @Test
    void statusTextWithEscapeCharacters_isEscaped() throws Exception {
        Guest guest = answering(frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                STREAM,
                responseHeaders("grpc-status", "9", "grpc-message", "%1b[31mred%0a")));
        SandboxException error = failure(() -> signal(guest));
        assertEquals(Code.PRECONDITION, error.code());
        assertTrue(text(error).contains("failed: \\u001b[31mred\\u000a (FAILED_PRECONDITION)"), error.getMessage());
    }

    @Test
    void outputWithAGapOrARepeat_isAnError() throws Exception {
        for (long offset : new long[] {1, -1}) {
            refused("guest sent output at offset", (epoch, channel) -> epoch.output(channel, output(offset, "x")));
        }
    }

    @Test
    void outputOfAnUnknownStream_isAnError() throws Exception {
        refused(
                "guest sent output of an unknown stream",
                (epoch, channel) -> epoch.output(
                        channel, output(0, "x").toBuilder().setStreamValue(9).build()));
    }

    @Test
    void outputBeyondWhatAGuestKeeps_isAnError() throws Exception {
        String piece = "x".repeat(1 << 15);
        refused("bytes that were not acknowledged", (epoch, channel) -> {
            for (long offset = 0; offset <= 1 << 20; offset += piece.length()) {
                epoch.output(channel, output(offset, piece));
            }
        });
    }

    @Test
    void outputThatNobodyHasAskedFor_endsTheLink() throws Exception {
        refused("output that nobody has asked for", (epoch, channel) -> epoch.output(channel + 1, output(0, "x")));
        refused("output that nobody has asked for", (epoch, channel) -> epoch.output(-1, output(0, "x")));
    }

    @Test
    void outputForWhoHasLeft_isDropped_untilThereIsTooMuch() throws Exception {
        TestGuest guest = new TestGuest(directory);
        Guest other = greeted(guest);
        guest.service.processes.put("p", guest.service.new Program("idle"));
        other.attach("p", 0, 0).close();
        LinkServer.Connection epoch = requireNonNull(guest.epoch);
        epoch.output(1, output(0, "x"));
        assertEquals("boot", other.hello(Duration.ofSeconds(10)).bootId());
        assertEquals(1, guest.link.connections());
        assertThrows(IOException.class, () -> {
            while (true) {
                epoch.output(1, output(0, "x"));
            }
        });
    }

    @Test
    void frameOfOutputWithoutData_endsTheEpoch() throws Exception {
        TestGuest guest = new TestGuest(directory);
        Guest other = greeted(guest);
        requireNonNull(guest.epoch).send(FrameType.OUTPUT, ByteBuffer.allocate(OutputHeader.SIZE));
        // The first attempt after that may come while the guest is still ending it.
        assertTrue(other.hello(Duration.ofSeconds(10)).epochs() >= 2);
    }

    /** Opens the link to a guest, so that there is an epoch. */
    private Guest greeted(TestGuest guest) throws Exception {
        peer = guest;
        Guest other = link.open(SandboxId.random(), guest.socket);
        var _ = other.hello(Duration.ofSeconds(10));
        return other;
    }

    private interface Attack {
        void on(LinkServer.Connection epoch, int channel) throws IOException;
    }

    /** A guest that attacks whoever attaches to a process; this must fail for that reason. */
    private void refused(String reason, Attack attack) throws Exception {
        CompletableFuture<TestGuest> self = new CompletableFuture<>();
        TestGuest guest = new TestGuest(directory, Optional.of(new GuestServiceGrpc.GuestServiceImplBase() {
            @Override
            public StreamObserver<ProcessIoRequest> processIo(StreamObserver<ProcessIoResponse> observer) {
                observer.onNext(window(1));
                return new StreamObserver<>() {
                    @Override
                    public void onNext(ProcessIoRequest request) {
                        if (request.hasAttach()) {
                            try {
                                int channel = request.getAttach().getOutputChannel();
                                attack.on(requireNonNull(self.join().epoch), channel);
                            } catch (IOException e) {
                                // The agent has had enough.
                            }
                        }
                    }

                    @Override
                    public void onError(Throwable error) {}

                    @Override
                    public void onCompleted() {}
                };
            }
        }));
        self.complete(guest);
        peer = guest;
        ProcessConnection streams = link.open(SandboxId.random(), guest.socket).attach("p", 0, 0);
        // One byte more than the guest takes: returns when all is over.
        SandboxException error = failure(() -> streams.write(ByteString.copyFromUtf8("xx")));
        assertEquals(Code.LOST, error.code());
        assertTrue(text(error).contains(reason), error.getMessage());
        guest.close();
    }

    @Test
    void terminationThatCanNotBe_isAnError() throws Exception {
        Termination end = Termination.newBuilder()
                .setExitCode(999)
                .setCause(TerminationCause.TERMINATION_CAUSE_EXITED)
                .build();
        ProcessConnection streams = serving(
                        window(1),
                        ProcessIoResponse.newBuilder().setTerminated(end).build())
                .attach("p", 0, 0);
        assertTrue(text(failure(streams::take)).contains("exit status 999"));
    }

    @Test
    void terminationBeforeAllOutput_isAnError() throws Exception {
        Termination end =
                Termination.newBuilder().setExitCode(0).setStdoutBytes(5).build();
        ProcessConnection streams = serving(
                        window(1),
                        ProcessIoResponse.newBuilder().setTerminated(end).build())
                .attach("p", 0, 0);
        assertTrue(text(failure(streams::take)).contains("the end of output at 5"));
    }

    @Test
    void terminationOfWhatWasNotStarted_isAnError() throws Exception {
        Termination end = Termination.newBuilder().setExitCode(0).build();
        ProcessConnection streams = serving(
                        window(1),
                        ProcessIoResponse.newBuilder().setTerminated(end).build())
                .start("p", ProcessSpec.getDefaultInstance());
        assertTrue(text(failure(streams::take)).contains("the end of a process that was not started"));
    }

    @Test
    void endlessStdinWindow_doesNotFillTheHost() throws Exception {
        ProcessConnection streams = serving(window(Long.MAX_VALUE)).attach("p", 0, 0);
        CompletableFuture<Boolean> writer = CompletableFuture.supplyAsync(() -> {
            try {
                return streams.write(ByteString.copyFrom(new byte[StdinBuffer.CAPACITY + 1]));
            } catch (SandboxException | InterruptedException e) {
                return false;
            }
        });
        assertThrows(TimeoutException.class, () -> writer.get(500, TimeUnit.MILLISECONDS));
        streams.close();
        assertFalse(writer.get());
    }

    private void floodIsRefused(byte[] frame, String reason) throws Exception {
        byte[] flood = repeated(frame, 2_000);
        Guest guest = attackedBy(connection -> {
            connection.handshake();
            connection.data(frame(SETTINGS, 0, 0, new byte[0]));
            drain(connection);
            while (true) {
                connection.data(flood);
            }
        });
        SandboxException error = failure(() -> signal(guest));
        assertEquals(Code.LOST, error.code(), error.getMessage());
        assertTrue(text(error).contains(reason), error.getMessage());
        assertBoundedMemory();
    }

    private static void assertBoundedMemory() {
        long used = PlatformDependent.usedDirectMemory();
        assertTrue(used < 64 << 20, "direct memory: " + used);
    }

    /** Reads what the host sends, so that it is never held back. */
    private static void drain(LinkServer.Connection connection) {
        LinkServer.daemon(() -> {
            try {
                while (connection.receive().isPresent()) {
                    // On to the next.
                }
            } catch (IOException e) {
                // The connection is over.
            }
        });
    }

    private void await() {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Guest attackedBy(LinkServer.Session session) throws IOException {
        Path socket = directory.resolve("guest.sock");
        peer = new LinkServer(socket, session);
        return link.open(SandboxId.random(), socket);
    }

    /** A guest that waits for a call, and then sends these HTTP/2 frames. */
    private Guest answering(byte[]... frames) throws IOException {
        return attackedBy(connection -> {
            connection.handshake();
            connection.data(frame(SETTINGS, 0, 0, new byte[0]));
            // The preface and settings, then the headers of the call.
            boolean called = false;
            while (!called) {
                ByteBuffer payload = connection.receive().orElseThrow().payload();
                byte[] bytes = new byte[payload.remaining()];
                payload.get(bytes);
                called = new String(bytes, US_ASCII).indexOf("\1\4\0\0\0\3") >= 0;
            }
            for (byte[] frame : frames) {
                connection.data(frame);
            }
            await();
        });
    }

    /** A guest whose service answers an attachment with these messages. */
    private Guest serving(ProcessIoResponse... responses) throws IOException {
        TestGuest guest = new TestGuest(directory, Optional.of(new GuestServiceGrpc.GuestServiceImplBase() {
            @Override
            public StreamObserver<ProcessIoRequest> processIo(StreamObserver<ProcessIoResponse> observer) {
                List.of(responses).forEach(observer::onNext);
                return new StreamObserver<>() {
                    @Override
                    public void onNext(ProcessIoRequest request) {}

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

    private static ProcessIoResponse window(long limit) {
        return ProcessIoResponse.newBuilder()
                .setStdinWindow(StdinWindow.newBuilder().setLimit(limit))
                .build();
    }

    private static ProcessOutput output(long offset, String data) {
        return ProcessOutput.newBuilder()
                .setStream(OutputStream.OUTPUT_STREAM_STDOUT)
                .setOffset(offset)
                .setData(ByteString.copyFromUtf8(data))
                .build();
    }

    private static void signal(Guest guest) throws SandboxException, InterruptedException {
        guest.signal("p", 15, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
    }

    private static SandboxException failure(Executable call) {
        return assertThrows(SandboxException.class, call);
    }

    private static byte[] frame(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .putShort((short) (payload.length >>> 8))
                .put((byte) payload.length)
                .put((byte) type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    private static byte[] repeated(byte[] frame, int times) {
        ByteBuffer all = ByteBuffer.allocate(frame.length * times);
        for (int i = 0; i < times; i++) {
            all.put(frame);
        }
        return all.array();
    }

    /** HPACK without indexing: ":status: 200", the content type, and more. */
    private static byte[] responseHeaders(String... more) {
        ByteBuffer block = ByteBuffer.allocate(1_000).put((byte) 0x88);
        header(block, "content-type", "application/grpc");
        for (int i = 0; i < more.length; i += 2) {
            header(block, more[i], more[i + 1]);
        }
        byte[] bytes = new byte[block.flip().remaining()];
        block.get(bytes);
        return bytes;
    }

    private static void header(ByteBuffer block, String name, String value) {
        block.put((byte) 0).put((byte) name.length()).put(name.getBytes(US_ASCII));
        block.put((byte) value.length()).put(value.getBytes(US_ASCII));
    }

    private static String text(SandboxException error) {
        return String.valueOf(error.getMessage());
    }
}
