package org.barchan.host.adapter.link;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.barchan.host.sandbox.SandboxException;

/**
 * Requests to a guest, one after the other, and its one answer. Sending blocks while the guest takes no more; it is given up when it takes none for
 * a while, or the link is lost. Closed before the answer, it is cancelled. Owned by one thread.
 */
final class GuestUpload<Q, R> implements AutoCloseable {
    private static final Duration IDLE = Duration.ofSeconds(60);
    /** It may have much to write to a disk. */
    private static final Duration ANSWER_TIME = Duration.ofMinutes(5);

    private final GuestChannel channel;
    private final String action;
    private final Context.CancellableContext context = Context.ROOT.withCancellation();
    private final CompletableFuture<String> given = new CompletableFuture<>();
    private final Consumer<String> cancel = this::cancel;
    private final BlockingClientCall<Q, R> call;

    GuestUpload(GuestChannel channel, MethodDescriptor<Q, R> method, String action) {
        this.channel = channel;
        this.action = action;
        channel.watch(cancel);
        try {
            call = context.call(() -> channel.upload(method, CallOptions.DEFAULT.withWaitForReady()));
        } catch (Exception e) {
            throw new IllegalStateException("opening a call", e);
        }
    }

    private void cancel(String reason) {
        given.complete(reason);
        context.cancel(null);
    }

    private interface Step<T> {
        T take() throws TimeoutException, StatusException, InterruptedException;
    }

    private <T> T step(Step<T> step) throws SandboxException, InterruptedException {
        try {
            return step.take();
        } catch (TimeoutException e) {
            throw new SandboxException(
                    SandboxException.Code.TIMEOUT, channel.describe(action) + ": the guest does not go on", e);
        } catch (StatusException e) {
            if (given.isDone()) {
                throw channel.lost(action, given.join());
            }
            throw GuestErrors.of(channel.describe(action), e.getStatus());
        }
    }

    /**
     * Sends one.
     *
     * @return the answer, when the guest has given it already: nothing more is of use
     */
    Optional<R> send(Q request) throws SandboxException, InterruptedException {
        boolean sent = step(() -> call.write(request, IDLE.toMillis(), TimeUnit.MILLISECONDS));
        return sent ? answerSoFar() : Optional.of(answer(IDLE));
    }

    private Optional<R> answerSoFar() throws SandboxException, InterruptedException {
        return step(() -> {
            try {
                return Optional.ofNullable(call.read(0, TimeUnit.MILLISECONDS));
            } catch (TimeoutException e) {
                return Optional.empty();
            }
        });
    }

    /** Says that this was all, and returns the answer. */
    R finish() throws SandboxException, InterruptedException {
        call.halfClose();
        return answer(ANSWER_TIME);
    }

    private R answer(Duration patience) throws SandboxException, InterruptedException {
        R answer = step(() -> call.read(patience.toMillis(), TimeUnit.MILLISECONDS));
        if (answer == null) {
            throw CheckedMessages.bad(channel.describe(action), "no answer");
        }
        return answer;
    }

    @Override
    public void close() {
        channel.unwatch(cancel);
        context.cancel(null);
    }
}
