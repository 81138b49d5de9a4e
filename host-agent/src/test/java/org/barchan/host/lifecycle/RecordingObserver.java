package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Attached;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.StdinProgress;
import org.barchan.v1.Termination;

/** Keeps what a run says. */
final class RecordingObserver implements RunObserver {
    final List<SandboxView> views = new CopyOnWriteArrayList<>();
    final List<String> progress = new CopyOnWriteArrayList<>();
    final List<ByteString> console = new CopyOnWriteArrayList<>();
    final List<String> changes = new CopyOnWriteArrayList<>();
    private final BlockingQueue<ProcessEvent> events = new LinkedBlockingQueue<>();
    private final CountDownLatch detached = new CountDownLatch(1);
    final CountDownLatch inputClosed = new CountDownLatch(1);
    private final CompletableFuture<Attached> attached = new CompletableFuture<>();
    private volatile String processId = "";
    private final CompletableFuture<Termination> end = new CompletableFuture<>();

    @Override
    public void sandbox(SandboxView sandbox) {
        views.add(sandbox);
    }

    @Override
    public void progress(Level level, String message) {
        progress.add(level + " " + message);
        synchronized (this) {
            notifyAll();
        }
    }

    /** Waits until a message has this in it. */
    synchronized void awaitProgress(String part) throws InterruptedException {
        while (progress.stream().noneMatch(line -> line.contains(part))) {
            wait();
        }
    }

    @Override
    public void console(ByteString output) {
        console.add(output);
    }

    @Override
    public void event(ProcessEvent event) {
        events.add(event);
    }

    @Override
    public void attached(Attached where) {
        attached.complete(where);
    }

    /** Waits until a process has been joined. */
    Attached attached() throws Exception {
        return attached.get(10, TimeUnit.SECONDS);
    }

    @Override
    public void detached(ProcessEvent started) {
        detached.countDown();
    }

    /** Waits until the process runs, of which nothing more is told. */
    void awaitDetached() throws InterruptedException {
        if (!detached.await(10, TimeUnit.SECONDS)) {
            throw new AssertionError("not detached; end: " + end);
        }
    }

    @Override
    public void stdin(StdinProgress progress) {
        if (progress.getClosed()) {
            inputClosed.countDown();
        }
    }

    @Override
    public void changes(ByteString data) {
        changes.add(data.isEmpty() ? "whole" : data.toStringUtf8());
    }

    @Override
    public void finished(ProcessEvent termination) {
        if (!end.complete(termination.getTerminated())) {
            throw new AssertionError("told twice");
        }
    }

    @Override
    public void failed(SandboxException reason) {
        if (!end.completeExceptionally(reason)) {
            throw new AssertionError("told twice");
        }
    }

    /** Returns the next event of the process. */
    ProcessEvent next() throws InterruptedException {
        ProcessEvent event = events.poll(10, TimeUnit.SECONDS);
        if (event == null) {
            throw new AssertionError("no event; progress: " + progress + "; end: " + end);
        }
        return event;
    }

    /** Returns what there is of the output that nobody has looked at. */
    String output() {
        return events.stream()
                .map(event -> event.getOutput().getData().toStringUtf8())
                .collect(Collectors.joining());
    }

    /** Waits until the process runs. */
    void awaitStarted() throws InterruptedException {
        ProcessEvent first = next();
        if (!first.hasStarted()) {
            throw new AssertionError("not started first");
        }
        processId = first.getStarted().getProcessId();
    }

    /** Returns what the process is called, whose start was awaited. */
    String processId() {
        return processId;
    }

    Termination termination() throws Exception {
        return end.get(10, TimeUnit.SECONDS);
    }

    /** Returns why the process was never started. */
    SandboxException failure() throws InterruptedException, TimeoutException {
        try {
            throw new AssertionError("it ended: " + end.get(10, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SandboxException reason) {
                return reason;
            }
            throw new AssertionError(e);
        }
    }
}
