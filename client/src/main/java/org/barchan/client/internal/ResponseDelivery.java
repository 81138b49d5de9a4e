package org.barchan.client.internal;

import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;
import org.barchan.client.ProgressLevel;
import org.barchan.client.RunListener;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;
import org.barchan.client.TerminationCause;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.RunResponse;
import org.jspecify.annotations.Nullable;

/**
 * Takes the responses of a run from gRPC without blocking, and gives them to the listener on a thread of its own. The queue is bounded
 * by the number of responses that were asked for.
 */
final class ResponseDelivery {
    private sealed interface Item {}

    private record Response(RunResponse response) implements Item {}

    private record Closed(Status status, Metadata trailers) implements Item {}

    private record Failed(BarchanException error) implements Item {}

    private final RunListener listener;
    private final boolean detach;
    private final Runnable takeMore;
    private final Runnable cancel;
    private final BlockingQueue<Item> queue = new LinkedBlockingQueue<>();
    private final CompletableFuture<Termination> termination = new CompletableFuture<>();
    private @Nullable Termination terminated;
    private boolean started;
    private @Nullable Throwable refused;

    /** @param detach whether the run is over when the process has been started */
    ResponseDelivery(RunListener listener, boolean detach, Runnable takeMore, Runnable cancel) {
        this.detach = detach;
        this.listener = listener;
        this.takeMore = takeMore;
        this.cancel = cancel;
        Thread.ofPlatform().daemon().name("barchan-run").start(this::deliverAll);
    }

    CompletableFuture<Termination> termination() {
        return termination;
    }

    void add(RunResponse response) {
        queue.add(new Response(response));
    }

    void close(Status status, Metadata trailers) {
        queue.add(new Closed(status, trailers));
    }

    void fail(BarchanException error) {
        queue.add(new Failed(error));
    }

    @SuppressWarnings("CatchingUnchecked") // see below
    private void deliverAll() {
        try {
            while (true) {
                switch (queue.take()) {
                    case Response(RunResponse response) -> deliverUnlessRefused(response);
                    case Closed(Status status, Metadata trailers) -> {
                        finish(status, trailers);
                        return;
                    }
                    case Failed(BarchanException error) -> {
                        termination.completeExceptionally(error);
                        return;
                    }
                }
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            // Whoever waits for the end is not to wait for ever.
            termination.completeExceptionally(e);
        }
    }

    @SuppressWarnings("CatchingUnchecked") // whatever a caller's code throws must end the run, not hang it
    private void deliverUnlessRefused(RunResponse response) {
        if (refused != null) {
            return;
        }
        try {
            deliver(response);
            takeMore.run();
        } catch (IOException | RuntimeException | Error e) {
            refused = e;
            cancel.run();
        }
    }

    private void deliver(RunResponse response) throws IOException {
        switch (response.getResponseCase()) {
            case SANDBOX -> listener.onSandbox(ResultMapping.fromProto(response.getSandbox()));
            case PROGRESS ->
                listener.onProgress(
                        ResultMapping.fromProto(response.getProgress().getLevel()),
                        response.getProgress().getMessage());
            case CONSOLE_OUTPUT ->
                listener.onConsole(response.getConsoleOutput().asReadOnlyByteBuffer());
            case PROCESS -> deliver(response.getProcess());
            case GAP ->
                listener.onProgress(
                        ProgressLevel.WARNING,
                        response.getGap().getBytes() + " bytes of standard "
                                + (ResultMapping.fromProto(response.getGap().getStream()) == StandardStream.STDERR
                                        ? "error"
                                        : "output")
                                + " are lost here: the command wrote them faster than they were read");
            case CHANGES -> listener.onChanges(response.getChanges().asReadOnlyByteBuffer());
            case ATTACHED -> start(0);
            case STDIN_PROGRESS -> {} // the call's business
            case RESPONSE_NOT_SET -> {} // something newer that this client can do without
        }
    }

    private void deliver(ProcessEvent event) throws IOException {
        switch (event.getEventCase()) {
            case STARTED -> start(event.getStarted().getPid());
            case OUTPUT -> deliver(event.getOutput());
            case TERMINATED -> terminated = ResultMapping.fromProto(event.getTerminated());
            case EVENT_NOT_SET -> {} // as above
        }
    }

    /** Once, also when the process is joined again and again. */
    private void start(int pid) {
        if (!started) {
            started = true;
            listener.onStarted(pid);
        }
    }

    private void deliver(ProcessOutput output) throws IOException {
        listener.onOutput(
                ResultMapping.fromProto(output.getStream()), output.getData().asReadOnlyByteBuffer());
    }

    private void finish(Status status, Metadata trailers) {
        if (refused != null) {
            termination.completeExceptionally(new BarchanException(
                    Code.CANCELLED, "the run was cancelled, as its output could not be taken: " + refused, refused));
        } else if (terminated != null && (status.isOk() || AgentLauncher.hasLeft(status))) {
            termination.complete(terminated);
        } else if (detach && started && (status.isOk() || AgentLauncher.hasLeft(status))) {
            termination.complete(new Termination(new Termination.Detached(), TerminationCause.UNKNOWN, 0, 0, false));
        } else if (!status.isOk()) {
            termination.completeExceptionally(StatusErrors.toException("the run", status, trailers));
        } else {
            termination.completeExceptionally(new BarchanException(
                    Code.INTERNAL, "the agent ended the run without saying how its process ended"));
        }
    }
}
