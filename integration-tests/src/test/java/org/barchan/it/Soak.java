package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.barchan.it.HostProcess.Kind;

/**
 * Runs random commands for as long as wished, several at once, and now and then kills the agent under them. Each result has to be
 * right, and after each round nothing may be left. In the second half one agent lives on, which may not grow.
 *
 * <p>Arguments: the minutes, which are exceeded if that agent has had too few rounds, and the seed of a soak to be repeated. It then
 * has the same rounds, but not the same times.
 */
public final class Soak {
    private static final int MOST_AT_ONCE = 4;
    /** An agent's size is taken as its first after so many rounds: until then it loads classes and fills caches. */
    private static final int WARM_UP_ROUNDS = 3;

    private final Barchan barchan;
    private final Path work;
    private final RandomGenerator random;
    private final List<Footprint> footprints = new ArrayList<>();
    private int runs;
    private int kills;
    private int wrong;

    private Soak(Barchan barchan, Path work, long seed) {
        this.barchan = barchan;
        this.work = work;
        this.random = new SplittableRandom(seed);
    }

    /** Soaks, prints what came of it, and ends with status 1 if anything was wrong, with 2 if the arguments are. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Duration time = Duration.ofMinutes(number("minutes", arguments, 0, 30));
        long seed = number("seed", arguments, 1, 1 + System.nanoTime() % 1_000_000);
        Path parent = Installation.makeParent();
        Barchan barchan = Barchan.in(Installation.in(parent, "r"));
        System.out.println("soak: " + time.toMinutes() + " minutes, seed " + seed);
        boolean right = false;
        try {
            right = new Soak(barchan, parent, seed).run(time);
        } catch (AssertionError e) {
            System.out.println(
                    "soak: " + e.getMessage() + "\n" + barchan.installation().agentLog());
        } finally {
            barchan.end();
            Barchan.deleteTree(parent);
        }
        System.out.println(right ? "soak: passed" : "soak: FAILED, with seed " + seed);
        System.exit(right ? 0 : 1);
    }

    static long number(String what, String[] arguments, int index, long otherwise) {
        if (arguments.length <= index) {
            return otherwise;
        }
        if (!arguments[index].matches("[1-9][0-9]{0,8}")) {
            System.err.println("soak: " + what + " '" + arguments[index] + "' (expected: a whole number from 1 on)");
            System.exit(2);
        }
        return Long.parseLong(arguments[index]);
    }

    private boolean run(Duration time) throws InterruptedException {
        barchan.call("run", "--", "true").expect(0);
        barchan.awaitNoSandbox();
        Inventory clean = barchan.inventory().withoutProcesses();
        long start = System.nanoTime();
        for (int round = 1; elapsed(start).compareTo(time) < 0 || lastAgent().size() <= WARM_UP_ROUNDS; round++) {
            boolean firstHalf = elapsed(start).compareTo(time.dividedBy(2)) < 0;
            boolean killing = firstHalf && random.nextInt(3) == 0;
            int count = playRound(killing);
            assertNothingLeft(clean);
            Footprint now = Footprint.of(barchan.agent());
            footprints.add(now);
            System.out.printf(
                    "soak: %d of %d s, round %d: %d runs%s; the agent: %s%n",
                    elapsed(start).toSeconds(), time.toSeconds(), round, count, killing ? ", agent killed" : "", now);
        }
        System.out.printf("soak: %d runs, %d kills of the agent, %d wrong results%n", runs, kills, wrong);
        assertNotGrown();
        return wrong == 0;
    }

    private static Duration elapsed(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** Returns how many runs there were. */
    private int playRound(boolean killing) throws InterruptedException {
        int count = 1 + random.nextInt(MOST_AT_ONCE);
        List<Trial> trials = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            trials.add(Trial.draw(random));
        }
        Duration killAfter = Duration.ofMillis(random.nextInt(15_000));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> ends = new ArrayList<>();
            for (Trial trial : trials) {
                ends.add(threads.submit(() -> {
                    trial.check(barchan, work, killing);
                    return trial;
                }));
            }
            if (killing) {
                // Waits for nothing: the kill comes at a moment that is drawn.
                Thread.sleep(killAfter);
                barchan.agents().forEach(HostProcess::kill);
                kills++;
            }
            for (Future<?> end : ends) {
                count(end);
            }
        }
        return count;
    }

    private void count(Future<?> end) throws InterruptedException {
        runs++;
        try {
            end.get();
        } catch (ExecutionException e) {
            wrong++;
            System.out.println("soak: WRONG: " + e.getCause());
        }
    }

    /** An agent that was killed has left things behind, which the next one removes: the list starts it. */
    private void assertNothingLeft(Inventory clean) {
        barchan.call("list").expect(0);
        barchan.awaitNoSandbox();
        clean.awaitSame(barchan.installation(), Barchan.CLEANED, Inventory::withoutProcesses);
        List<HostProcess> left = HostProcess.of(barchan.installation().directories());
        assertEquals(List.of(Kind.AGENT), left.stream().map(HostProcess::kind).toList(), left::toString);
    }

    /** Returns what the agent that runs now has held after each of its rounds. */
    private List<Footprint> lastAgent() {
        return footprints.stream()
                .filter(footprint -> footprint.pid() == footprints.getLast().pid())
                .toList();
    }

    private void assertNotGrown() {
        List<Footprint> own = lastAgent();
        Footprint first = own.get(WARM_UP_ROUNDS - 1);
        Footprint last = own.getLast();
        System.out.println("soak: the agent after " + WARM_UP_ROUNDS + " rounds: " + first + "; after " + own.size()
                + ": " + last);
        last.assertNotGrownSince(first);
    }
}
