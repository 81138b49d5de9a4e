package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class HypervisorsTest {
    private static final String HANGS = "qemu:///system";

    private final FakeWorld world;
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch answer = new CountDownLatch(1);
    private final Hypervisors hypervisors = new Hypervisors(this::open);

    HypervisorsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
    }

    private HypervisorDriver open(String uri) throws SandboxException {
        if (uri.equals(HANGS)) {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        return world.open(uri);
    }

    private CompletableFuture<HypervisorDriver> hanging() throws InterruptedException {
        CompletableFuture<HypervisorDriver> hanging = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                hanging.complete(hypervisors.driver(HANGS, driver -> {}));
            } catch (SandboxException | RuntimeException e) {
                hanging.completeExceptionally(e);
            }
        });
        asked.await();
        return hanging;
    }

    @Test
    void driver_whileAnotherHangs_isOpened() throws Exception {
        CompletableFuture<HypervisorDriver> hanging = hanging();

        assertSame(world, hypervisors.driver(Hypervisors.DEFAULT_URI, driver -> {}));
        assertEquals(Optional.empty(), hypervisors.known(HANGS));

        answer.countDown();
        assertSame(world, hanging.join());
        assertEquals(Optional.of(world), hypervisors.known(HANGS));
    }

    @Test
    void close_whileOneHangs_returnsAndClosesItOnceItIsOpen() throws Exception {
        CompletableFuture<HypervisorDriver> hanging = hanging();

        hypervisors.close();

        assertEquals(0, world.closed.get());
        answer.countDown();
        hanging.join();
        assertEquals(1, world.closed.get());
        assertEquals(
                Code.UNAVAILABLE,
                assertThrows(SandboxException.class, () -> hypervisors.driver(HANGS, driver -> {}))
                        .code());
    }

    @Test
    void driver_thatFailed_isTriedAgain() throws Exception {
        world.fail("driver.open", Code.SILENT);
        SandboxException e =
                assertThrows(SandboxException.class, () -> hypervisors.driver(Hypervisors.DEFAULT_URI, driver -> {}));
        assertEquals(Code.SILENT, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("injected"));
        world.mend("driver.open");

        assertSame(world, hypervisors.driver(Hypervisors.DEFAULT_URI, driver -> {}));
    }
}
