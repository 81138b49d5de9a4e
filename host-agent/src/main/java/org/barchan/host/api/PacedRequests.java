package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.barchan.host.sandbox.SandboxException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The requests of a call that has any number of them and one response, taken from the client as fast as they are worked on. */
final class PacedRequests<Q, A> implements StreamObserver<Q> {
    private static final Logger LOG = LoggerFactory.getLogger(PacedRequests.class);

    private final ServerCallStreamObserver<A> call;
    /** Two at most: what is worked on next, and the end. */
    private final BlockingQueue<Event<Q>> events = new LinkedBlockingQueue<>();

    private sealed interface Event<Q> {}

    private record Next<Q>(Q request) implements Event<Q> {}

    private record End<Q>() implements Event<Q> {}

    private record Gone<Q>(Throwable reason) implements Event<Q> {}

    private PacedRequests(ServerCallStreamObserver<A> call) {
        this.call = call;
        call.disableAutoRequest();
    }

    /** Makes the response of requests. */
    @FunctionalInterface
    interface Work<Q, A> {
        A answer(PacedRequests<Q, A> requests) throws SandboxException, InterruptedException, IOException;
    }

    /**
     * Has the requests worked on by a thread of its own, which sends the response, or the status of what went wrong. Returns at once. The thread is
     * interrupted when the client is gone, also one that has sent all.
     */
    static <Q, A> StreamObserver<Q> answer(StreamObserver<A> observer, Work<Q, A> work) {
        PacedRequests<Q, A> requests = new PacedRequests<>((ServerCallStreamObserver<A>) observer);
        Thread worker = Thread.ofVirtual().name("requests").unstarted(() -> requests.work(work));
        // It may have long to do, or to wait, with what it has: for a client that is gone it does not.
        requests.call.setOnCancelHandler(worker::interrupt);
        requests.call.request(1);
        worker.start();
        return requests;
    }

    private void work(Work<Q, A> work) {
        try {
            A response = work.answer(this);
            if (!call.isCancelled()) {
                call.onNext(response);
                call.onCompleted();
            }
        } catch (SandboxException e) {
            fail(StatusMapping.of(e));
        } catch (InterruptedException e) {
            fail(StatusMapping.interrupted());
        } catch (IOException e) {
            LOG.debug("a client went away: {}", e.toString());
            fail(StatusMapping.interrupted());
        } catch (RuntimeException | Error e) {
            // Of a lack of memory too the client is told, which would wait for ever.
            fail(StatusMapping.fault(e));
        }
    }

    private void fail(Throwable status) {
        if (!call.isCancelled()) {
            call.onError(status);
        }
    }

    /**
     * Returns the next request, or null behind the last one; blocks until it is there.
     *
     * @throws IOException when the client is gone
     */
    @Nullable Q next() throws IOException, InterruptedException {
        return switch (events.take()) {
            case Next<Q>(Q request) -> {
                call.request(1);
                yield request;
            }
            case End<Q> _ -> null;
            case Gone<Q>(Throwable reason) -> throw new IOException("cancelled", reason);
        };
    }

    @Override
    public void onNext(Q request) {
        events.add(new Next<>(request));
    }

    @Override
    public void onError(Throwable error) {
        events.add(new Gone<>(error));
    }

    @Override
    public void onCompleted() {
        events.add(new End<>());
    }
}
