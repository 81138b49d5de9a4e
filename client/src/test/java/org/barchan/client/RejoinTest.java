package org.barchan.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.barchan.testing.FakeAgent;
import org.barchan.testing.FakeRun;
import org.barchan.v1.AttachStart;
import org.barchan.v1.StdinProgress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs whose agent goes while their process runs on. */
class RejoinTest {
    private final FakeAgent agent;
    private final BarchanClient client;
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final CountDownLatch firstOutput = new CountDownLatch(1);

    RejoinTest(@TempDir Path directory) throws Exception {
        agent = new FakeAgent(directory);
        client = BarchanClient.connect(new AgentAccess(agent.socket(), Optional.empty()));
    }

    @AfterEach
    void close() {
        client.close();
        agent.close();
    }

    private final class Listener implements RunListener {
        @Override
        public void onStarted(int pid) {
            heard.add("started");
        }

        @Override
        public void onOutput(StandardStream stream, ByteBuffer bytes) {
            heard.add(StandardCharsets.UTF_8.decode(bytes).toString());
            firstOutput.countDown();
        }
    }

    @Test
    void keptRun_goesOnWhereItWas_inputAndOutput() throws Exception {
        CountDownLatch inputSent = new CountDownLatch(1);
        agent.behave(run -> {
            if (run.isAttach()) {
                assertEquals(
                        AttachStart.newBuilder()
                                .setSandbox(FakeRun.SANDBOX.getId())
                                .setStdoutOffset(3)
                                .setStderrOffset(0)
                                .build(),
                        run.attach());
                run.sandbox().attached(3, progress(1, 1)).stdout("two");
                assertEquals("b", read(run));
                assertEquals("c", read(run));
                assertEquals(Optional.empty(), run.read());
                run.exit(4);
            } else {
                run.started().stdout("one");
                assertEquals("ab", read(run));
                run.stdin(progress(2, 1));
                inputSent.await();
                throw Status.UNAVAILABLE.withDescription("gone").asRuntimeException();
            }
        });
        Run run = start(ClientLostPolicy.KEEP);
        try (OutputStream stdin = run.stdin()) {
            stdin.write(bytes("ab"));
            assertTrue(firstOutput.await(10, TimeUnit.SECONDS));
            inputSent.countDown();
            stdin.write(bytes("c"));
        }
        assertEquals(new Termination.Exited(4), run.await().result());
        assertEquals(List.of("started", "one", "two"), heard);
    }

    @Test
    void attachedRun_ofWhichNothingWasHeardYet_goesOnWhereItJoined() throws Exception {
        agent.behave(run -> {
            AttachStart attach = run.attach();
            if (attach.hasStdoutOffset()) {
                assertEquals(100, attach.getStdoutOffset());
                run.sandbox().attached(100, progress(7, 7)).stdout("x").exit(0);
            } else {
                run.sandbox().attached(100, progress(7, 7));
                throw Status.UNAVAILABLE.asRuntimeException();
            }
        });
        Run run = client.attach("box", AttachSpec.NOW, new Listener());
        assertEquals(new Termination.Exited(0), run.await().result());
        assertEquals(List.of("started", "x"), heard);
    }

    @Test
    void keptExec_ofWhichNothingWasHeard_isOrderedAgain_andGoesOnWhereItWas() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        agent.behave(run -> {
            switch (calls.incrementAndGet()) {
                case 1 -> {
                    run.sandbox();
                    throw Status.UNAVAILABLE.asRuntimeException();
                }
                case 2 -> {
                    assertEquals("job", run.exec().getProcessId());
                    run.sandbox().attached(0, progress(0, 0)).stdout("one");
                    assertEquals("a", read(run));
                    run.stdin(progress(1, 1));
                    throw Status.UNAVAILABLE.asRuntimeException();
                }
                default -> {
                    assertEquals("job", run.attach().getProcessId());
                    assertEquals(3, run.attach().getStdoutOffset());
                    run.sandbox().attached(3, progress(1, 1)).stdout("two").exit(0);
                }
            }
        });
        Run run = client.exec(
                "box",
                new ExecSpec(
                        ProcessSpec.builder("cat").build(),
                        ClientLostPolicy.KEEP,
                        KeepSpec.DEFAULT,
                        Optional.of("job")),
                new Listener());
        run.stdin().write(bytes("a"));
        assertEquals(new Termination.Exited(0), run.await().result());
        assertEquals(List.of("started", "one", "two"), heard);
        assertEquals("job", run.processId());
    }

    @Test
    void keptRun_ofWhichNothingWasHeard_isOrderedAgain_underTheSameId() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        List<String> ids = new CopyOnWriteArrayList<>();
        agent.behave(run -> {
            switch (calls.incrementAndGet()) {
                case 1 -> {
                    ids.add(run.start().getRequestId());
                    run.sandbox();
                    throw Status.UNAVAILABLE.asRuntimeException();
                }
                case 2 -> {
                    ids.add(run.start().getRequestId());
                    run.sandbox().attached(0, progress(0, 0)).stdout("one");
                    assertEquals("a", read(run));
                    run.stdin(progress(1, 1));
                    throw Status.UNAVAILABLE.asRuntimeException();
                }
                default -> {
                    assertEquals(3, run.attach().getStdoutOffset());
                    run.sandbox().attached(3, progress(1, 1)).stdout("two").exit(0);
                }
            }
        });
        Run run = start(ClientLostPolicy.KEEP);
        run.stdin().write(bytes("a"));
        assertEquals(new Termination.Exited(0), run.await().result());
        assertEquals(List.of("started", "one", "two"), heard);
        assertEquals(2, ids.size());
        assertFalse(ids.getFirst().isEmpty());
        assertEquals(ids.getFirst(), ids.getLast());
    }

    @Test
    void detachedRun_ofWhichNothingWasHeard_isOrderedAgain() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        agent.behave(run -> {
            run.sandbox();
            if (calls.incrementAndGet() == 1) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
            run.process().detached();
        });
        KeepSpec detached = new KeepSpec(true, OptionalLong.empty(), LogPolicy.DROP_OLDEST, false, false);
        assertEquals(
                new Termination.Detached(),
                start(ClientLostPolicy.KEEP, detached).await().result());
        assertEquals(2, calls.get());
    }

    @Test
    void runThatEndsWithItsClient_hasNoId() throws Exception {
        List<String> ids = new CopyOnWriteArrayList<>();
        agent.behave(run -> {
            ids.add(run.start().getRequestId());
            run.started().exit(0);
        });
        var _ = start(ClientLostPolicy.DELETE).await();
        assertEquals(List.of(""), ids);
    }

    @Test
    void clientWhoseInputWasTakenOver_joinsAgain_toReadAlone() throws Exception {
        CountDownLatch inputSent = new CountDownLatch(1);
        agent.behave(run -> {
            if (run.isAttach()) {
                assertTrue(run.attach().getOutputOnly());
                run.sandbox().attached(3, StdinProgress.getDefaultInstance()).stdout("two");
                run.exit(4);
            } else {
                run.started().stdout("one");
                assertEquals("ab", read(run));
                run.stdin(StdinProgress.newBuilder().setClosed(true).build());
                inputSent.await();
                throw Status.UNAVAILABLE.asRuntimeException();
            }
        });
        Run run = start(ClientLostPolicy.KEEP);
        try (OutputStream stdin = run.stdin()) {
            stdin.write(bytes("ab"));
            assertTrue(firstOutput.await(10, TimeUnit.SECONDS));
            inputSent.countDown();
            run.await();
        }
        assertEquals(List.of("started", "one", "two"), heard);
    }

    @Test
    void endThatWasHeard_whereTheAgentGoesBehindIt_isTheEnd() throws Exception {
        agent.behave(run -> {
            run.started();
            run.terminated(6);
            throw Status.UNAVAILABLE.asRuntimeException();
        });
        assertEquals(
                new Termination.Exited(6), start(ClientLostPolicy.KEEP).await().result());
    }

    @Test
    void runThatEndsWithItsClient_fails() {
        agent.behave(run -> {
            assertFalse(run.isAttach());
            run.started();
            throw Status.UNAVAILABLE.asRuntimeException();
        });
        BarchanException error = assertThrows(
                BarchanException.class, () -> start(ClientLostPolicy.DELETE).await());
        assertEquals(BarchanException.Code.UNAVAILABLE, error.code());
    }

    @Test
    void agentsThatGoAtOnce_oneAfterTheOther_areGivenUp() {
        agent.behave(run -> {
            run.sandbox();
            if (run.isAttach()) {
                run.attached(0, progress(0, 0));
            } else {
                run.process();
            }
            throw Status.UNAVAILABLE.asRuntimeException();
        });
        BarchanException error = assertThrows(
                BarchanException.class, () -> start(ClientLostPolicy.KEEP).await());
        assertEquals(BarchanException.Code.UNAVAILABLE, error.code());
    }

    private Run start(ClientLostPolicy policy) throws IOException {
        return start(policy, KeepSpec.DEFAULT);
    }

    private Run start(ClientLostPolicy policy, KeepSpec keep) throws IOException {
        return client.start(
                new RunSpec(
                        SandboxSpec.DEFAULT, ProcessSpec.builder("cat").build(), policy, false, false, keep, List.of()),
                new Listener());
    }

    private static StdinProgress progress(long taken, long received) {
        return StdinProgress.newBuilder().setTaken(taken).setReceived(received).build();
    }

    private static String read(FakeRun run) throws InterruptedException {
        return run.read().orElseThrow().toStringUtf8();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
