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
 * Kept sandboxes whose commands, each one's own and two beside it, write numbered lines, while agent, QEMUs and clients are killed or stopped, one after the other, by chance. Each stream
 * goes on after each fault; in the end each is whole, and each exit status right; of one whose QEMU was killed, what there is is the beginning.
 */
final class Faults implements AutoCloseable {
    private static final int SANDBOXES = 3;
    private static final int JOBS = 2;
    private static final int MAX_PAUSE_MILLIS = 1500;
    private static final Duration PROGRESS = Duration.ofSeconds(60);
    private static final int LINES_AT_ONCE = 1000;
    private static final int EXIT = 7;

    /** The commands beside a sandbox's own end before it. */
    private static final String JOBS_OVER = "/tmp/jobs-over";

    private static final String OVER = "/tmp/over";

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

    /** A command that writes lines by itself, who reads all of them, and who waits for its end. */
    private record Stream(String name, Running reader, Running waiter) {}

    /** A sandbox. */
    private record Box(String name, Stream own, List<Stream> jobs) {
        List<Stream> all() {
            List<Stream> all = new ArrayList<>(jobs);
            all.add(own);
            return all;
        }
    }

    private final Barchan barchan;
    private final RandomGenerator random;
    private final List<Box> boxes = new ArrayList<>();
    private final List<Running> watchers = new ArrayList<>();
    private final Running echo;
    private final StringBuilder sent = new StringBuilder();
    private int names;
    private int lines;

    Faults(Barchan barchan, long seed) {
        this.barchan = barchan;
        this.random = new SplittableRandom(seed);
        for (int i = 0; i < SANDBOXES; i++) {
            boxes.add(begin());
            watchers.add(watch(i));
        }
        echo = Barchan.launch(
                barchan.builder("run", "--keep", "--rm", "--name", "echo", "--", "sh", "-c", "cat; exit 3"));
        send();
        // Whoever is not there yet when an agent dies has nothing to go on with.
        awaitProgress();
    }

    private static String command(String over) {
        return "i=0; while [ ! -e " + over + " ]; do seq $((i + 1)) $((i + " + LINES_AT_ONCE + ")); i=$((i + "
                + LINES_AT_ONCE + ")); sleep 0.05; done; echo over >&2; exit " + EXIT;
    }

    private Box begin() {
        String name = "box-" + names++;
        barchan.call("run", "--detach", "--name", name, "--log-policy", "spill", "--", "sh", "-c", command(OVER))
                .expect(0);
        List<Stream> jobs = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            String job = "job-" + i;
            barchan.call(
                            "exec",
                            "--detach",
                            "--name",
                            job,
                            "--log-policy",
                            "spill",
                            name,
                            "--",
                            "sh",
                            "-c",
                            command(JOBS_OVER))
                    .expect(0);
            jobs.add(stream(name + "/" + job));
        }
        return new Box(name, stream(name), jobs);
    }

    private Stream stream(String name) {
        return new Stream(name, barchan.start("logs", "-f", name), barchan.start("wait", name));
    }

    /** Who comes and goes. */
    private Running watch(int box) {
        return barchan.start("attach", "--no-stdin", boxes.get(box).name());
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
        int one = random.nextInt(SANDBOXES);
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
            case STOP_READER -> stop(boxes.get(one).own().reader().pid());
            case KILL_CLIENT -> {
                watchers.get(one).signal("KILL").result();
                watchers.set(one, watch(one));
            }
            case KILL_QEMU -> loseMachine(one);
        }
        send();
    }

    private void loseMachine(int one) {
        Box box = boxes.get(one);
        String id = barchan.sandbox(box.name()).get("id").getAsString();
        HostProcess machine = barchan.processes(Kind.QEMU).stream()
                .filter(process -> process.toString().contains(id))
                .findFirst()
                .orElseThrow();
        machine.kill();
        for (Stream stream : box.all()) {
            assertEquals("125\n", stream.waiter().result().expect(0).out());
            Result read = stream.reader().result().expect(0);
            int whole = read.out().lastIndexOf('\n') + 1;
            checkLines(stream.name(), read.out().substring(0, whole));
        }
        watchers.get(one).result().expect(125).expectStderr("lost");
        barchan.call("rm", box.name()).expect(0);
        boxes.set(one, begin());
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
        boxes.forEach(box -> box.all().forEach(stream -> awaitMore(stream.reader())));
        watchers.forEach(Faults::awaitMore);
        echo.awaitOut("\n" + lines + "\n");
    }

    private static void awaitMore(Running running) {
        assertTrue(running.awaitOutBytes(running.outBytes() + 1, PROGRESS), () -> "nothing more came: " + running);
    }

    /** Ends all commands in order, and checks all that they have written. */
    void finish() {
        for (Box box : boxes) {
            barchan.call("exec", box.name(), "--", "touch", JOBS_OVER).expect(0);
            box.jobs().forEach(Faults::checkWhole);
            barchan.call("exec", box.name(), "--", "touch", OVER).expect(0);
            checkWhole(box.own());
        }
        watchers.forEach(watcher -> watcher.result().expect(EXIT));
        boxes.forEach(box -> barchan.call("rm", box.name()).expect(0));
        Result echoed = echo.closeStdin().result().expect(3);
        assertTrue(sent.toString().equals(echoed.out()), "other lines came back than were sent");
        barchan.awaitNoSandbox();
    }

    private static void checkWhole(Stream stream) {
        assertEquals(EXIT + "\n", stream.waiter().result().expect(0).out());
        Result read = stream.reader().result().expect(0);
        assertEquals("over\n", read.err());
        checkLines(stream.name(), read.out());
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
        boxes.forEach(box -> box.all().forEach(stream -> {
            stream.reader().close();
            stream.waiter().close();
        }));
        watchers.forEach(Running::close);
        echo.close();
    }
}
