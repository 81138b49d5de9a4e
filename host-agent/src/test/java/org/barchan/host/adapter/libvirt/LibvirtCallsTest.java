package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class LibvirtCallsTest {
    private final LibvirtCalls calls = new LibvirtCalls("mend it");

    @AfterEach
    void close() {
        calls.close();
    }

    @Test
    void ask_libvirtThatHangs_isSilentWithActionAndRemedy() {
        CountDownLatch never = new CountDownLatch(1);

        SandboxException e = assertThrows(
                SandboxException.class,
                () -> calls.ask(
                        "starting machine b-1", Duration.ofSeconds(1), () -> await(never, "answer"), late -> {}));

        assertEquals(Code.SILENT, e.code());
        assertEquals("starting machine b-1 failed: libvirt has not answered within 1 s; mend it", Specs.messageOf(e));
        never.countDown();
    }

    @Test
    void ask_answerThatComesLate_isUndone() throws Exception {
        CountDownLatch late = new CountDownLatch(1);
        CompletableFuture<String> undone = new CompletableFuture<>();

        assertThrows(
                SandboxException.class,
                () -> calls.ask("opening", Duration.ofMillis(1), () -> await(late, "machine"), undone::complete));
        late.countDown();

        assertEquals("machine", undone.get(10, TimeUnit.SECONDS));
    }

    private static String await(CountDownLatch latch, String answer) {
        try {
            latch.await();
            return answer;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
