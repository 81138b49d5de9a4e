package org.barchan.host.api;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/**
 * Counts the calls under way, and refuses new ones once the agent is stopping, so that none begins between the decision to stop and the
 * stop itself. Safe for use by many threads.
 */
public final class CallGate implements ServerInterceptor {
    private int calls;
    private long begun;
    private boolean closed;

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (!enter()) {
            call.close(Status.UNAVAILABLE.withDescription("the agent is stopping"), new Metadata());
            return new ServerCall.Listener<>() {};
        }
        AtomicBoolean left = new AtomicBoolean();
        try {
            return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
                @Override
                public void onCancel() {
                    try {
                        super.onCancel();
                    } finally {
                        leave(left);
                    }
                }

                @Override
                public void onComplete() {
                    try {
                        super.onComplete();
                    } finally {
                        leave(left);
                    }
                }
            };
        } catch (RuntimeException | Error e) {
            leave(left);
            throw e;
        }
    }

    /** Returns the number of calls that have begun so far. */
    public synchronized long begun() {
        return begun;
    }

    /** Refuses calls from now on. */
    public synchronized void close() {
        closed = true;
    }

    /**
     * Refuses calls from now on if there is none and nothing else is going on.
     *
     * @param seen what {@link #begun} was when the agent became idle
     * @param quiet asked while no call can begin
     * @return whether calls are refused
     */
    public synchronized boolean closeIfIdle(long seen, BooleanSupplier quiet) {
        if (!closed && calls == 0 && begun == seen && quiet.getAsBoolean()) {
            closed = true;
        }
        return closed;
    }

    private synchronized boolean enter() {
        if (!closed) {
            calls++;
            begun++;
        }
        return !closed;
    }

    private void leave(AtomicBoolean left) {
        if (left.compareAndSet(false, true)) {
            synchronized (this) {
                calls--;
            }
        }
    }
}
