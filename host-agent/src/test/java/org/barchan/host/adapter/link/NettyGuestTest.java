package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.CRC32C;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.Transport;
import org.barchan.link.FrameEncoder;
import org.barchan.link.FrameType;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SpawnError;
import org.barchan.v1.TerminationCause;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class NettyGuestTest {
    private static final GuestConfiguration CONFIGURATION = new GuestConfiguration(
            new SandboxName("box"),
            new GuestConfiguration.Root(
                    new GuestConfiguration.Share("root", Transport.NINEP, ""), new Access.ReadOnly(), false),
            List.of(new GuestConfiguration.Placed(
                    new Mount.Memory(new GuestPath("/tmp"), 0, 01777, false), Optional.empty(), true)),
            List.of(new GuestConfiguration.Disk("disk0", "data", 1000, 100, true)),
            List.of("9p.ko"),
            Map.of("ext4", List.of("jbd2.ko", "ext4.ko")));

    @TempDir
    Path directory;

    private volatile Instant now = Instant.ofEpochSecond(1_800_000_000L, 5);
    private final NettyGuestLink link = new NettyGuestLink(() -> now);
    private TestGuest peer;
    private Guest guest;

    @BeforeEach
    void start() throws IOException {
        peer = new TestGuest(directory);
        guest = link.open(SandboxId.random(), peer.socket);
    }

    @AfterEach
    void stop() throws IOException {
        guest.close();
        link.close();
        peer.close();
    }

    @Test
    void call_socketDoesNotExist_isLostAtOnce() {
        Guest nobody = link.open(SandboxId.random(), directory.resolve("none.sock"));
        for (int i = 0; i < 3; i++) {
            SandboxException error = assertThrows(SandboxException.class, () -> nobody.configure(CONFIGURATION, false));
            assertEquals(SandboxException.Code.LOST, error.code());
            assertTrue(text(error).contains("nobody listens at"), error.getMessage());
        }
        ProcessConnection streams = nobody.attach("p", 0, 0);
        assertEquals(
                SandboxException.Code.LOST,
                assertThrows(SandboxException.class, streams::take).code());
        assertEquals(
                SandboxException.Code.LOST,
                assertThrows(SandboxException.class, () -> streams.write(ByteString.copyFromUtf8("x")))
                        .code());
        assertEquals(
                SandboxException.Code.LOST,
                assertThrows(SandboxException.class, () -> nobody.waitProcess("p"))
                        .code());
    }

    @Test
    void hello_socketComesLater_waitsForIt() throws Exception {
        Path late = directory.resolve("late");
        Files.createDirectory(late);
        Guest booting = link.open(SandboxId.random(), late.resolve("guest.sock"));
        CompletableFuture<GuestHello> hello = CompletableFuture.supplyAsync(() -> {
            try {
                return booting.hello(Duration.ofSeconds(30));
            } catch (SandboxException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThrows(TimeoutException.class, () -> hello.get(200, TimeUnit.MILLISECONDS));
        try (TestGuest _ = new TestGuest(late)) {
            assertEquals("boot", hello.get().bootId());
        }
    }

    @Test
    void leave_returnsOnceTheGuestHasEndedTheEpoch() throws Exception {
        CountDownLatch hostEnded = new CountDownLatch(1);
        CountDownLatch guestEnds = new CountDownLatch(1);
        CountDownLatch hangUp = new CountDownLatch(1);
        peer.end = connection -> {
            hostEnded.countDown();
            await(guestEnds);
            connection.send(FrameType.FIN, ByteBuffer.allocate(0));
            await(hangUp);
        };
        var _ = guest.hello(Duration.ofSeconds(30));
        CompletableFuture<Void> left = CompletableFuture.runAsync(() -> {
            try {
                guest.leave();
            } catch (SandboxException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });

        await(hostEnded);
        assertThrows(TimeoutException.class, () -> left.get(200, TimeUnit.MILLISECONDS));
        guestEnds.countDown();

        assertNull(left.get(30, TimeUnit.SECONDS));
        hangUp.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(30, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void leave_guestIsGone_isLost() throws Exception {
        var _ = guest.hello(Duration.ofSeconds(30));
        peer.link.close();

        assertEquals(
                SandboxException.Code.LOST,
                assertThrows(SandboxException.class, guest::leave).code());
    }

    @Test
    void hello_nobodyEverListens_isLostAtTheDeadline() {
        Guest nobody = link.open(SandboxId.random(), directory.resolve("none.sock"));
        SandboxException error = assertThrows(SandboxException.class, () -> nobody.hello(Duration.ofMillis(200)));
        assertEquals(SandboxException.Code.LOST, error.code());
    }

    @Test
    void hello_staleBytesBeforeTheSynAck_areSkipped() throws Exception {
        ByteBuffer stale = ByteBuffer.allocate(100_000);
        FrameEncoder.encode(FrameType.SYN_ACK, 99, 0, ByteBuffer.allocate(0), stale);
        FrameEncoder.encode(FrameType.DATA, 99, 1, ByteBuffer.wrap(new byte[60_000]), stale);
        // The next one is cut off: it would swallow the SYN_ACK if it were waited for.
        int start = stale.position();
        FrameEncoder.encode(FrameType.DATA, 99, 2, ByteBuffer.wrap(new byte[30_000]), stale);
        byte[] bytes = Arrays.copyOf(stale.array(), start + 1_000);
        peer.fault = connection -> connection.sendRaw(ByteBuffer.wrap(bytes));
        GuestHello hello = guest.hello(Duration.ofSeconds(20));
        assertEquals("6.1\\u001b[31m", hello.kernelRelease());
        assertEquals(1, hello.epochs());
    }

    @Test
    void configure_passesWhatIsAskedAndEntropyAndClock() throws Exception {
        guest.configure(CONFIGURATION, false);
        assertEquals("box", peer.service.configured.getHostname());
        assertEquals(64, peer.service.configured.getEntropy().size());
        assertEquals(
                Timestamp.newBuilder().setSeconds(1_800_000_000L).setNanos(5).build(),
                peer.service.configured.getWallClock());
        assertEquals("root", peer.service.configured.getRoot().getNinepTag());
        assertEquals(01777, peer.service.configured.getMounts(0).getTmpfs().getMode());
        assertEquals("9p.ko", peer.service.configured.getKernelModules(0));
    }

    @Test
    void personalize_aGuestThatHasWaited_tellsItTheTimeOfNow_whateverTheClockDidMeanwhile() throws Exception {
        guest.configure(CONFIGURATION, true);
        now = now.minus(Duration.ofHours(1));

        guest.personalize(new SandboxName("mine"));

        assertEquals("mine", peer.service.personalized.getHostname());
        assertEquals(
                1_800_000_000L - 3600, peer.service.personalized.getWallClock().getSeconds());
        assertEquals(64, peer.service.personalized.getEntropy().size());
        assertNotEquals(peer.service.configured.getEntropy(), peer.service.personalized.getEntropy());
    }

    @Test
    void configure_stepFails_saysWhichAndWhy() {
        peer.service.step = StepResult.newBuilder()
                .setStep("mount 9p root")
                .setOutcome(StepOutcome.STEP_OUTCOME_FAILED)
                .setErrno(19)
                .setMessage("no \u001b]0;9p\u0007")
                .build();
        SandboxException error = assertThrows(SandboxException.class, () -> guest.configure(CONFIGURATION, false));
        assertEquals(SandboxException.Code.PRECONDITION, error.code());
        assertTrue(
                text(error).endsWith("failed at the step \"mount 9p root\": no \\u001b]0;9p\\u0007 (ENODEV)"),
                error.getMessage());
    }

    @Test
    void start_notThere_isATermination() throws Exception {
        try (ProcessConnection streams = guest.start("p", spec("missing"))) {
            SpawnError error = streams.take().getTerminated().getSpawnError();
            assertEquals(2, error.getErrno());
            assertEquals("no\\u000asuch file", error.getMessage());
        }
    }

    @Test
    void start_linkCutUnderIt_startsOnce() throws Exception {
        guest.hello(Duration.ofSeconds(10));
        peer.fault = connection -> connection.cutAfter(peer.link.connections() < 8 ? 40 : Integer.MAX_VALUE);
        peer.link.cut();
        try (ProcessConnection streams = guest.start("p", spec("random", "1", "10"))) {
            assertEquals(7, streams.take().getStarted().getPid());
            assertEquals(10, streams.take().getOutput().getData().size());
        }
        assertEquals(8, peer.link.connections());
        assertEquals(Set.of("p"), peer.service.processes.keySet());
    }

    @Test
    void take_afterTheTermination_isAMistake() throws Exception {
        try (ProcessConnection streams = started("p", spec("random", "1", "10"))) {
            ProcessEvent event = streams.take();
            while (!event.hasTerminated()) {
                event = streams.take();
            }
            assertThrows(IllegalStateException.class, streams::take);
            assertFalse(streams.write(ByteString.copyFromUtf8("x")));
            streams.closeStdin();
        }
    }

    @Test
    void write_nobodyReads_returnsFalse() throws Exception {
        try (ProcessConnection streams = started("p", spec("deaf"))) {
            ByteString chunk = ByteString.copyFrom(new byte[10_000]);
            while (streams.write(chunk)) {
                // Until the window says that it is closed.
            }
            streams.closeStdin();
        }
    }

    @Test
    void write_processDoesNotRead_blocksUntilClosed() throws Exception {
        ProcessConnection streams = started("p", spec("full"));
        CompletableFuture<SandboxException> writer = CompletableFuture.supplyAsync(() ->
                assertThrows(SandboxException.class, () -> streams.write(ByteString.copyFrom(new byte[1 << 20]))));
        assertThrows(TimeoutException.class, () -> writer.get(300, TimeUnit.MILLISECONDS));
        streams.close();
        assertEquals(SandboxException.Code.LOST, writer.get().code());
    }

    @Test
    void take_notTaken_holdsTheProcessBack() throws Exception {
        try (ProcessConnection streams = started("p", spec("random", "1", "4000000"))) {
            streams.take();
            // Another call gets through although nobody takes this output.
            guest.signal("p", 1, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
            long held = peer.service.program("p").termination().getStdoutBytes();
            assertTrue(held <= InMemoryGuest.RING + 65536, "ran ahead to " + held);
        }
    }

    @Test
    void waitProcess_linkLostMeanwhile_goesOn() throws Exception {
        started("p", spec("idle")).close();
        CompletableFuture<Integer> status = CompletableFuture.supplyAsync(() -> {
            try {
                return guest.waitProcess("p").getExitCode();
            } catch (SandboxException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        for (int i = 0; i < 3; i++) {
            guest.hello(Duration.ofSeconds(10));
            peer.link.cut();
        }
        guest.hello(Duration.ofSeconds(10));
        guest.signal("p", 9, TerminationCause.TERMINATION_CAUSE_SIGNALLED_BY_CLIENT);
        assertEquals(0, status.get(10, TimeUnit.SECONDS));
        assertTrue(peer.link.connections() >= 4);
    }

    @Test
    void attach_newerConnection_endsTheOlder() throws Exception {
        ProcessConnection older = started("q", spec("random", "1", "9000000"));
        assertTrue(older.take().hasOutput());
        try (ProcessConnection _ = guest.attach("q", 0, 0)) {
            SandboxException error = assertThrows(SandboxException.class, () -> {
                while (older.take().hasOutput()) {
                    // What had arrived comes first.
                }
            });
            assertEquals(SandboxException.Code.PRECONDITION, error.code());
        }
    }

    @Test
    void guestGoneForGood_whileTaking_isLost() throws Exception {
        try (ProcessConnection streams = started("p", spec("idle"))) {
            CompletableFuture<SandboxException> taker =
                    CompletableFuture.supplyAsync(() -> assertThrows(SandboxException.class, streams::take));
            guest.hello(Duration.ofSeconds(10));
            peer.close();
            assertEquals(
                    SandboxException.Code.LOST, taker.get(5, TimeUnit.SECONDS).code());
        }
    }

    @Test
    void streams_frameCorrupted_resumeExactlyUnderANewEpoch() throws Exception {
        peer.fault = connection -> connection.corruptAfter(300_000);
        copyThrough(2 << 20, 1);
        assertTrue(peer.link.connections() > 2, "epochs: " + peer.link.connections());
    }

    @Test
    void streams_linkCutAtRandomPoints_arriveWholeBothWays() throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            Random random = new Random(seed);
            peer.fault = connection -> connection.cutAfter(20 + random.nextInt(2 << 20));
            copyThrough(16 << 20, seed);
        }
        assertTrue(peer.link.connections() > 20, "epochs: " + peer.link.connections());
    }

    @Test
    void streams_twoOutputs64MiB_areTellApartAndWhole() throws Exception {
        long started = System.nanoTime();
        CRC32C[] sums = {new CRC32C(), new CRC32C()};
        long[] sizes = new long[2];
        try (ProcessConnection streams = started("p", spec("random", "5", String.valueOf(64 << 20)))) {
            for (ProcessEvent event = streams.take(); event.hasOutput(); event = streams.take()) {
                int index = event.getOutput().getStream() == OutputStream.OUTPUT_STREAM_STDOUT ? 0 : 1;
                sums[index].update(event.getOutput().getData().asReadOnlyByteBuffer());
                sizes[index] += event.getOutput().getData().size();
            }
        }
        assertArrayEquals(new long[] {64 << 20, 64 << 20}, sizes);
        assertEquals(sums[0].getValue(), sums[1].getValue());
        assertEquals(1, peer.link.connections());
        System.out.printf("2 x 64 MiB output: %d ms%n", (System.nanoTime() - started) / 1_000_000);
    }

    @Test
    void streams_copy64MiB_needsOneEpoch() throws Exception {
        long started = System.nanoTime();
        copyThrough(64 << 20, 9);
        assertEquals(1, peer.link.connections());
        System.out.printf("64 MiB through cat: %d ms%n", (System.nanoTime() - started) / 1_000_000);
    }

    /** Sends random bytes through a process that copies them, and compares. */
    private void copyThrough(int size, long seed) throws Exception {
        byte[] sent = new byte[size];
        new Random(seed).nextBytes(sent);
        String id = "copy" + seed;
        guest.hello(Duration.ofSeconds(20));
        try (ProcessConnection streams = started(id, spec("cat"))) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                try {
                    Random random = new Random(seed);
                    for (int at = 0; at < size; ) {
                        int chunk = Math.min(size - at, 1 + random.nextInt(200_000));
                        assertTrue(streams.write(ByteString.copyFrom(sent, at, chunk)));
                        at += chunk;
                    }
                    streams.closeStdin();
                } catch (SandboxException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            ByteArrayOutputStream got = new ByteArrayOutputStream(size);
            ProcessEvent event = streams.take();
            for (; event.hasOutput(); event = streams.take()) {
                event.getOutput().getData().writeTo(got);
            }
            writer.get(5, TimeUnit.SECONDS);
            assertArrayEquals(sent, got.toByteArray());
            assertEquals(size, event.getTerminated().getStdoutBytes());
        }
    }

    private ProcessConnection started(String id, ProcessSpec spec) throws SandboxException, InterruptedException {
        ProcessConnection streams = guest.start(id, spec);
        assertTrue(streams.take().hasStarted());
        return streams;
    }

    private static ProcessSpec spec(String... argv) {
        return ProcessSpec.newBuilder()
                .addAllArgv(List.of(argv).stream().map(ByteString::copyFromUtf8).toList())
                .build();
    }

    private static String text(SandboxException error) {
        return String.valueOf(error.getMessage());
    }
}
