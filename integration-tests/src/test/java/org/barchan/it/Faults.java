package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.barchan.it.HostProcess.Kind;

/**
 * Kept sandboxes whose commands write numbered lines, while agent, QEMUs and clients are killed or stopped, one after the other, by chance. Each stream
 * goes on after each fault; in the end each is whole, and each exit status right; of one whose QEMU was killed, what there is is the beginning.
 */
final class Faults implements AutoCloseable {
    private static final int STREAMS = 3;
    private static final int MAX_PAUSE_MILLIS = 1500;
    private static final Duration PROGRESS = Duration.ofSeconds(60);
    private static final int LINES_AT_ONCE = 1000;
    private static final int EXIT = 7;

    private static final String COMMAND = "i=0; while [ ! -e /tmp/over ]; do seq $((i + 1)) $((i + " + LINES_AT_ONCE
            + ")); i=$((i + " + LINES_AT_ONCE + ")); sleep 0.05; done; echo over >&2; exit " + EXIT;

    enum Fault {
        KILL_AGENT,
        KILL_AGENT_AGAIN_SOON,
        END_AGENT,
        STOP_AGENT,
        STOP_QEMU,
        STOP_READER,
        KILL_CLIENT,
        KILL_QEMU
    }

    /** A command that writes lines by itself, who reads all of them, and one who comes and goes. */
    private record Stream(String name, Running reader, Running waiter) {}

    private final Barchan barchan;
    private final RandomGenerator random;
    private final List<Stream> streams = new ArrayList<>();
    private final List<Running> watchers = new ArrayList<>();
    private final Running echo;
    private final StringBuilder sent = new StringBuilder();
    private int names;
    private int lines;

    Faults(Barchan barchan, long seed) {
        this.barchan = barchan;
        this.random = new SplittableRandom(seed);
        for (int i = 0; i < STREAMS; i++) {
            streams.add(begin());
            watchers.add(watch(i));
        }
        echo = Barchan.launch(
                barchan.builder("run", "--keep", "--rm", "--name", "echo", "--", "sh", "-c", "cat; exit 3"));
        send();
        // Whoever is not there yet when an agent dies has nothing to go on with.
        awaitProgress();
    }

    private Stream begin() {
        String name = "stream-" + names++;
        barchan.call("run", "--detach", "--name", name, "--log-policy", "spill", "--", "sh", "-c", COMMAND)
                .expect(0);
        return new Stream(name, barchan.start("logs", "-f", name), barchan.start("wait", name));
    }

    private Running watch(int stream) {
        return barchan.start("attach", "--no-stdin", streams.get(stream).name());
    }

    /** Sends some lines to the command that sends them back. */
    private void send() {
        StringBuilder some = new StringBuilder();
        for (int i = 0; i < LINES_AT_ONCE; i++) {
            some.append(++lines).append('\n');
        }
        sent.append(some);
        echo.write(some.toString());
    }

    /** Does one thing wrong, and returns when all goes on. Returns what it was. */
    String round() throws InterruptedException {
        return round(Fault.values()[random.nextInt(Fault.values().length)]);
    }

    /** Does that, and returns when all goes on. Returns what it was done to. */
    String round(Fault fault) throws InterruptedException {
        int one = random.nextInt(STREAMS);
        try {
            doWrong(fault, one);
            awaitProgress();
        } catch (AssertionError e) {
            throw new AssertionError("after " + fault + " " + one + ": " + e.getMessage(), e);
        }
        return fault + " " + one;
    }

    private void doWrong(Fault fault, int one) throws InterruptedException {
        send();
        switch (fault) {
            case KILL_AGENT -> barchan.agent().kill();
            case KILL_AGENT_AGAIN_SOON -> {
                barchan.agent().kill();
                pause();
                barchan.agents().forEach(HostProcess::kill);
            }
            case END_AGENT -> barchan.agent().terminate();
            case STOP_AGENT -> stop(barchan.agent().pid());
            case STOP_QEMU -> {
                List<HostProcess> machines = barchan.processes(Kind.QEMU);
                stop(machines.get(random.nextInt(machines.size())).pid());
            }
            case STOP_READER -> stop(streams.get(one).reader().pid());
            case KILL_CLIENT -> {
                watchers.get(one).signal("KILL").result();
                watchers.set(one, watch(one));
            }
            case KILL_QEMU -> loseMachine(one);
        }
        send();
    }

    private void loseMachine(int one) {
        Stream stream = streams.get(one);
        String id = barchan.sandbox(stream.name()).get("id").getAsString();
        HostProcess machine = barchan.processes(Kind.QEMU).stream()
                .filter(process -> process.toString().contains(id))
                .findFirst()
                .orElseThrow();
        machine.kill();
        assertEquals("125\n", stream.waiter().result().expect(0).out());
        Result read = stream.reader().result().expect(0);
        int whole = read.out().lastIndexOf('\n') + 1;
        checkLines(stream.name(), read.out().substring(0, whole));
        watchers.get(one).result().expect(125).expectStderr("lost");
        barchan.call("rm", stream.name()).expect(0);
        streams.set(one, begin());
        watchers.set(one, watch(one));
    }

    private void stop(long pid) throws InterruptedException {
        Running.signal("STOP", pid);
        try {
            pause();
        } finally {
            Running.signal("CONT", pid);
        }
    }

    /** How long it is out of order is drawn. */
    private void pause() throws InterruptedException {
        Thread.sleep(random.nextInt(MAX_PAUSE_MILLIS));
    }

    private void awaitProgress() {
        for (int i = 0; i < STREAMS; i++) {
            awaitMore(streams.get(i).reader());
            awaitMore(watchers.get(i));
        }
        echo.awaitOut("\n" + lines + "\n");
    }

    private static void awaitMore(Running running) {
        assertTrue(running.awaitOutBytes(running.outBytes() + 1, PROGRESS), () -> "nothing more came: " + running);
    }

    /** Ends all commands in order, and checks all that they have written. */
    void finish() {
        for (Stream stream : streams) {
            barchan.call("exec", stream.name(), "--", "touch", "/tmp/over").expect(0);
            assertEquals(EXIT + "\n", stream.waiter().result().expect(0).out());
            Result read = stream.reader().result().expect(0);
            assertEquals("over\n", read.err());
            checkLines(stream.name(), read.out());
        }
        watchers.forEach(watcher -> watcher.result().expect(EXIT));
        streams.forEach(stream -> barchan.call("rm", stream.name()).expect(0));
        Result echoed = echo.closeStdin().result().expect(3);
        assertTrue(sent.toString().equals(echoed.out()), "other lines came back than were sent");
        barchan.awaitNoSandbox();
    }

    private static void checkLines(String name, String out) {
        int expected = 0;
        for (String line : out.lines().toList()) {
            expected++;
            if (!line.equals(Integer.toString(expected))) {
                throw new AssertionError(name + ": line " + expected + " is '" + line + "'");
            }
        }
    }

    @Override
    public void close() {
        streams.forEach(stream -> {
            stream.reader().close();
            stream.waiter().close();
        });
        watchers.forEach(Running::close);
        echo.close();
    }
}
