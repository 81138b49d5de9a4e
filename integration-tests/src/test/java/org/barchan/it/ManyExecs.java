package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.client.AgentAccess;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessSpec;
import org.barchan.client.Run;
import org.barchan.client.RunListener;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;

/** Many processes in one sandbox, by the client library: each result has to be right, and neither agent nor guest may grow. */
final class ManyExecs implements AutoCloseable {
    private static final String NAME = "many";
    /** Pages that the guest's kernel gives back only when they are needed, and what the init has warmed up. */
    private static final long MOST_GUEST_GROWTH = 24 * 1024;

    private final Barchan barchan;
    private final BarchanClient client;

    /** Starts the sandbox. */
    ManyExecs(Barchan barchan) throws BarchanException {
        this.barchan = barchan;
        barchan.call("run", "--detach", "--name", NAME, "--", "sleep", "infinity")
                .expect(0);
        Path socket = barchan.installation().runtime().resolve("agent.sock");
        client = BarchanClient.connect(new AgentAccess(socket, Optional.empty()));
    }

    /** Runs them one after the other. */
    void inTurn(int count) throws BarchanException, InterruptedException {
        for (int i = 0; i < count; i++) {
            One one = new One(i, "echo " + i + "; echo error " + i + " >&2; exit " + i % 100);
            one.assertEnds(i + "\n", "error " + i + "\n", i % 100);
        }
    }

    /** Has all of them run at the same time: each waits for its input, which it gets when all are there. */
    void atOnce(int count) throws BarchanException, InterruptedException, IOException {
        List<One> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(new One(i, "echo up; read line; echo \"$line\"; exit " + i % 100));
        }
        for (One one : all) {
            one.awaitStarted();
        }
        for (One one : all) {
            one.write("mine " + one.number + "\n");
        }
        for (One one : all) {
            one.assertEnds("up\nmine " + one.number + "\n", "", one.number % 100);
        }
    }

    private final class One implements RunListener {
        private final int number;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final ByteArrayOutputStream err = new ByteArrayOutputStream();
        private final CountDownLatch started = new CountDownLatch(1);
        private final Run run;

        One(int number, String script) {
            this.number = number;
            run = client.exec(NAME, ProcessSpec.builder("/bin/sh", "-c", script).build(), this);
        }

        @Override
        public void onStarted(int pid) {
            started.countDown();
        }

        @Override
        public void onOutput(StandardStream stream, ByteBuffer bytes) {
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            (stream == StandardStream.STDOUT ? out : err).writeBytes(copy);
        }

        void awaitStarted() throws InterruptedException {
            assertTrue(
                    started.await(Barchan.DEADLINE.toSeconds(), TimeUnit.SECONDS),
                    "process " + number + " is not started");
        }

        void write(String text) throws IOException {
            run.stdin().write(text.getBytes(StandardCharsets.UTF_8));
            run.stdin().flush();
        }

        void assertEnds(String output, String errors, int status) throws BarchanException, InterruptedException {
            assertEquals(new Termination.Exited(status), run.await().result(), "process " + number);
            assertEquals(output, out.toString(StandardCharsets.UTF_8));
            assertEquals(errors, err.toString(StandardCharsets.UTF_8));
        }
    }

    /** What agent and guest hold. */
    record Held(Footprint agent, long guestKibibytes) {
        void assertNotGrownSince(Held first) {
            agent.assertNotGrownSince(first.agent);
            assertTrue(
                    guestKibibytes <= first.guestKibibytes + MOST_GUEST_GROWTH,
                    "the guest has grown: " + first + ", then " + this);
        }

        @Override
        public String toString() {
            return "the agent " + agent + ", the guest " + guestKibibytes / 1024 + " MiB";
        }
    }

    Held held() {
        long used = 0;
        for (String line : barchan.call("exec", NAME, "--", "cat", "/proc/meminfo")
                .expect(0)
                .out()
                .lines()
                .toList()) {
            long kibibytes = Long.parseLong(line.replaceAll("^[^:]*:|[^0-9]", ""));
            if (line.startsWith("MemTotal:")) {
                used += kibibytes;
            } else if (line.startsWith("MemAvailable:")) {
                used -= kibibytes;
            }
        }
        return new Held(Footprint.of(barchan.agent()), used);
    }

    @Override
    public void close() {
        client.close();
        barchan.call("delete", NAME).expect(0);
        barchan.awaitNoSandbox();
    }
}
