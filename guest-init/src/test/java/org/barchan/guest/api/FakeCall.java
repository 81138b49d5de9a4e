package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What gRPC has of a call, for a test to look at. */
class FakeCall<R> extends ServerCallStreamObserver<R> {
    volatile boolean ready = true;

    private final BlockingQueue<R> responses = new LinkedBlockingQueue<>();
    private final CompletableFuture<Status> status = new CompletableFuture<>();
    private volatile boolean cancelled;
    private volatile Runnable onReady = () -> {};
    private volatile Runnable onCancel = () -> {};

    /** Returns the next response. */
    R next() throws Exception {
        R response = responses.poll(10, TimeUnit.SECONDS);
        if (response == null) {
            throw new AssertionError("no response; status: " + status.getNow(Status.UNKNOWN));
        }
        return response;
    }

    boolean isEmpty() {
        return responses.isEmpty();
    }

    boolean isOver() {
        return status.isDone();
    }

    /** Returns how it ended, once it has. */
    Status status() throws Exception {
        return status.get(10, TimeUnit.SECONDS);
    }

    void becomeReady() {
        ready = true;
        onReady.run();
    }

    void cancel() {
        cancelled = true;
        onCancel.run();
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
        onCancel = handler;
    }

    @Override
    public void setCompression(String compression) {}

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
        onReady = handler;
    }

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void onNext(R value) {
        if (status.isDone()) {
            throw new IllegalStateException("the call is over");
        }
        responses.add(value);
    }

    @Override
    public void onError(Throwable error) {
        if (!status.complete(Status.fromThrowable(error))) {
            throw new IllegalStateException("the call is over");
        }
    }

    @Override
    public void onCompleted() {
        if (!status.complete(Status.OK)) {
            throw new IllegalStateException("the call is over");
        }
    }
}
