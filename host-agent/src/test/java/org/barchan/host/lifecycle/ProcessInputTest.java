package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ProcessInputTest {
    private final RecordingObserver observer = new RecordingObserver();
    private final FakeWorld world;

    ProcessInputTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
    }

    @Test
    void signal_thatIsPending_isThereOnceUnlessItIsARealtimeSignal() throws Exception {
        List<String> sent = sent(15, 15, 1, 15, 34, 34, 2);

        assertEquals(List.of("15", "1", "34", "34", "2"), sent);
    }

    @Test
    void signal_floodOfAClient_isBounded() throws Exception {
        int[] flood = new int[100_000];
        Arrays.fill(flood, 40);

        List<String> sent = sent(flood);

        assertTrue(sent.size() <= 1024, sent.size() + " signals");
    }

    @Test
    void data_thatNobodyTakesAnyMore_isTaken() {
        List<String> taken = new ArrayList<>();
        ProcessInput input = new ProcessInput("box", false);
        input.data(FakeWorld.bytes("before"), () -> taken.add("before"));
        assertEquals(List.of(), taken);
        input.close();
        assertEquals(List.of("before"), taken);
        input.data(FakeWorld.bytes("behind"), () -> taken.add("behind"));
        assertEquals(List.of("before", "behind"), taken);
    }

    /** Returns the numbers that reach the guest of those that were sent before the process ran. */
    private List<String> sent(int... numbers) throws Exception {
        CountDownLatch allSent = new CountDownLatch(1);
        world.onStart = machine -> {
            try {
                allSent.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        Run run = sandboxes.run(
                FakeWorld.order(
                        RunTest.spec(ClientLostPolicy.DELETE, world.root(), false, "box", Hypervisors.DEFAULT_URI)),
                observer);
        for (int number : numbers) {
            run.input().signal(number);
        }
        allSent.countDown();
        observer.awaitStarted();
        // Sent again while it may be dropped, it tells that those before it have gone through.
        List<String> signals = world.started.getFirst().guest.signals;
        while (signals.stream().noneMatch(signal -> signal.startsWith("64"))) {
            run.input().signal(64);
            if (Thread.interrupted()) {
                throw new InterruptedException("the last signal did not come in time");
            }
            Thread.onSpinWait();
        }
        return signals.stream()
                .map(signal -> signal.replaceAll("\\D.*", ""))
                .filter(number -> !number.equals("64"))
                .toList();
    }
}
