package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;

/** A {@link FakeWorld} for the tests of the API, which look at the first machine alone. */
public final class FakeHypervisor {
    private final FakeWorld world;

    public FakeHypervisor(Path directory) throws IOException {
        world = new FakeWorld(directory);
    }

    public Sandboxes sandboxes() {
        return world.sandboxes();
    }

    /** Lets guests go on from saved ones. */
    public FakeHypervisor withTemplates() {
        world.templates = true;
        return this;
    }

    public Timer timer() {
        return world.timer;
    }

    /** Lets time pass. */
    public void pass(Duration time) {
        world.timer.advance(time);
    }

    /** Runs something in a sandbox called "kept", whose client goes away. */
    public void runKept(Sandboxes sandboxes) throws SandboxException, InterruptedException {
        RecordingObserver observer = new RecordingObserver();
        Run run = sandboxes.run(
                FakeWorld.order(RunTest.spec(ClientLostPolicy.KEEP, root(), false, "kept", Hypervisors.DEFAULT_URI)),
                observer);
        observer.awaitStarted();
        run.clientLost();
    }

    public Path root() {
        return world.root();
    }

    public void failStart() {
        world.fail("machine.start", SandboxException.Code.PRECONDITION);
    }

    public void blockStdin() {
        world.onStart = machine -> machine.guest.blockStdin();
    }

    public void silenceGuests() {
        world.onStart = machine -> machine.guest.silent = true;
    }

    /** Waits until the guest of the first machine is asked for the first time. */
    public boolean awaitAsked() throws InterruptedException {
        while (world.started.isEmpty()) {
            Thread.onSpinWait();
            if (Thread.interrupted()) {
                throw new InterruptedException("no machine was started");
            }
        }
        return guest().asked.await(10, TimeUnit.SECONDS);
    }

    public boolean awaitStdinClosed() throws InterruptedException {
        return guest().stdinClosed.await(10, TimeUnit.SECONDS);
    }

    public String stdin() {
        return guest().stdin.stream().map(b -> b.toStringUtf8()).collect(Collectors.joining());
    }

    public void processWrites(String text, long offset) {
        guest().write(text, offset);
    }

    public void processExits(int code) {
        guest().exit(code);
    }

    /** Waits until the agent has taken a number of events. */
    public boolean awaitTakenAtLeast(int count) throws InterruptedException {
        return guest().taken.tryAcquire(count, 10, TimeUnit.SECONDS);
    }

    /** Returns the number of events that the agent has not taken. */
    public int untaken() {
        return guest().untaken();
    }

    public List<String> signals() {
        return guest().signals;
    }

    public boolean awaitDestroyed() throws Exception {
        var _ = world.started.getFirst().ended().toCompletableFuture().get(10, TimeUnit.SECONDS);
        return world.started.getFirst().destroyed;
    }

    public List<String> leftovers() throws IOException {
        return world.leftovers();
    }

    private FakeGuest guest() {
        return world.started.getFirst().guest;
    }
}
