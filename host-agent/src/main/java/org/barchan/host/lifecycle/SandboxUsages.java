package org.barchan.host.lifecycle;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.GuestUsage;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.HostStats;
import org.barchan.v1.SandboxState;
import org.barchan.v1.SandboxStats;

/** What sandboxes that run take: of the host, and of their guests, as these say. Safe for use by many threads. */
public final class SandboxUsages {
    private static final int MAX_PROCESSES = 512;
    private static final int MAX_PROBLEM = 300;

    private final SandboxLookup lookup;
    private final Registry registry;
    private final Timer timer;

    SandboxUsages(SandboxLookup lookup, Registry registry, Timer timer) {
        this.lookup = lookup;
        this.registry = registry;
        this.timer = timer;
    }

    /**
     * Reads what a sandbox takes. What its hypervisor or its guest does not say is missing, with the reason.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it does not run
     */
    public SandboxStats read(String idOrName) throws SandboxException, InterruptedException {
        return read(lookup.find(idOrName));
    }

    /**
     * Returns the processes of a sandbox.
     *
     * @throws SandboxException {@code NOT_FOUND}; {@code PRECONDITION} when it does not run, or is paused; what its guest says
     */
    public GetProcessTableResponse processes(String idOrName) throws SandboxException, InterruptedException {
        Sandbox sandbox = lookup.find(idOrName);
        GuestUsage usage =
                sandbox.live("listing the processes of " + sandbox.id()).guest().usage(MAX_PROCESSES);
        return GetProcessTableResponse.newBuilder()
                .addAllProcesses(usage.processes())
                .setTruncated(
                        usage.stats().getProcessCount() > usage.processes().size())
                .setUptimeMicros(usage.stats().getUptimeMicros())
                .build();
    }

    /** Takes what was read at one time. */
    @FunctionalInterface
    public interface Taker {
        /** @throws IOException when it can't be taken: nothing more is read */
        void take(List<SandboxStats> all) throws IOException, InterruptedException;
    }

    /**
     * Reads again and again what sandboxes take, until none of those that were named is left, or for ever.
     *
     * @param names ids or names, each sandbox counts once; none: all that run at each time
     * @param interval how long from one time to the next, if reading and taking do not take longer
     * @throws SandboxException as {@link #read}, of any that is named, before anything is taken
     * @throws IOException what the taker throws
     */
    public void watch(List<String> names, Duration interval, Taker taker)
            throws SandboxException, InterruptedException, IOException {
        // Whoever names one more often is told of it once, and costs its guest no more.
        Set<Sandbox> named = new LinkedHashSet<>();
        for (String name : names) {
            Sandbox sandbox = lookup.find(name);
            var _ = sandbox.runningGuest(actionOn(sandbox));
            named.add(sandbox);
        }
        lookup.awaitReconciled();
        try (ExecutorService readers = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("stats-", 0).factory())) {
            try {
                while (true) {
                    long begun = timer.nanoTime();
                    List<SandboxStats> all = readAll(names.isEmpty() ? registry.all() : List.copyOf(named), readers);
                    if (all.isEmpty() && !names.isEmpty()) {
                        return;
                    }
                    taker.take(all);
                    await(interval.minusNanos(timer.nanoTime() - begun));
                }
            } finally {
                readers.shutdownNow();
            }
        }
    }

    private void await(Duration delay) throws InterruptedException {
        CountDownLatch over = new CountDownLatch(1);
        Timer.Alarm alarm = timer.after(delay.isNegative() ? Duration.ZERO : delay, over::countDown);
        try {
            over.await();
        } finally {
            alarm.cancel();
        }
    }

    /** Reads all at once, since one that does not answer takes long; leaves out those that do not run. */
    private List<SandboxStats> readAll(List<Sandbox> sandboxes, ExecutorService readers) throws InterruptedException {
        List<Callable<Optional<SandboxStats>>> tasks = new ArrayList<>();
        sandboxes.forEach(sandbox -> tasks.add(() -> readIfRunning(sandbox)));
        List<SandboxStats> all = new ArrayList<>();
        for (Future<Optional<SandboxStats>> read : readers.invokeAll(tasks)) {
            try {
                read.get().ifPresent(all::add);
            } catch (ExecutionException e) {
                throw new IllegalStateException("reading what a sandbox takes", e.getCause());
            }
        }
        return all;
    }

    private Optional<SandboxStats> readIfRunning(Sandbox sandbox) throws InterruptedException {
        try {
            return Optional.of(read(sandbox));
        } catch (SandboxException e) {
            return Optional.empty();
        }
    }

    private static String actionOn(Sandbox sandbox) {
        return "reading what " + sandbox.id() + " takes";
    }

    private SandboxStats read(Sandbox sandbox) throws SandboxException, InterruptedException {
        LiveGuest live = sandbox.runningGuest(actionOn(sandbox));
        boolean paused = sandbox.isPaused();
        Instant now = Instant.now();
        SandboxStats.Builder stats = SandboxStats.newBuilder()
                .setId(sandbox.id().value())
                .setName(sandbox.name().value())
                .setState(paused ? SandboxState.SANDBOX_STATE_PAUSED : SandboxState.SANDBOX_STATE_RUNNING)
                .setTime(Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()));
        try {
            MachineUsage usage = live.machine().usage();
            stats.setHost(HostStats.newBuilder()
                    .setReadMicros(TimeUnit.NANOSECONDS.toMicros(timer.nanoTime()))
                    .setCpuMicros(usage.cpu().dividedBy(ChronoUnit.MICROS.getDuration()))
                    .setResidentBytes(usage.residentBytes()));
        } catch (SandboxException e) {
            stats.setHostProblem(problem(e));
        }
        if (paused) {
            return stats.setGuestProblem("it is paused").build();
        }
        try {
            stats.setGuest(live.guest().usage(0).stats());
        } catch (SandboxException e) {
            stats.setGuestProblem(problem(e));
        }
        return stats.build();
    }

    private static String problem(SandboxException e) {
        String line = Printable.line(String.valueOf(e.getMessage()));
        return line.length() <= MAX_PROBLEM ? line : line.substring(0, MAX_PROBLEM) + "...";
    }
}
