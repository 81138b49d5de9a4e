package org.barchan.host.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The responses of a call that has any number of them, sent as fast as the client reads them. */
final class PacedResponses<A> {
    private static final Logger LOG = LoggerFactory.getLogger(PacedResponses.class);

    private final ServerCallStreamObserver<A> call;
    private final Semaphore news = new Semaphore(0);

    private PacedResponses(ServerCallStreamObserver<A> call) {
        this.call = call;
        call.setOnReadyThreshold(RunResponses.BUFFERED_BYTES);
        call.setOnReadyHandler(news::release);
    }

    /** Makes responses. */
    @FunctionalInterface
    interface Source<A> {
        void sendTo(PacedResponses<A> responses) throws SandboxException, InterruptedException, IOException;
    }

    /** Sends what a source makes, on a thread of its own, and then the end, or the status of what went wrong. Returns at once. */
    static <A> void answer(StreamObserver<A> observer, Source<A> source) {
        var call = (ServerCallStreamObserver<A>) observer;
        PacedResponses<A> responses = new PacedResponses<>(call);
        Thread sender = Thread.ofVirtual().name("responses").unstarted(() -> responses.sendAll(source));
        // What it waits for, a client that is gone does not.
        call.setOnCancelHandler(sender::interrupt);
        sender.start();
    }

    private void sendAll(Source<A> source) {
        try {
            source.sendTo(this);
            call.onCompleted();
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
     * Sends one; blocks while the client does not read.
     *
     * @throws IOException when the client is gone
     */
    void send(A response) throws IOException, InterruptedException {
        while (!call.isReady() && !call.isCancelled()) {
            news.acquire();
        }
        if (call.isCancelled()) {
            throw new IOException("cancelled");
        }
        call.onNext(response);
    }
}
