package org.barchan.host.api;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a call with one response returns. */
@FunctionalInterface
interface Answer<A> {
    Logger LOG = LoggerFactory.getLogger(Answer.class);

    A make() throws SandboxException, InterruptedException;

    /** Makes the answer and sends it, or the status of what went wrong. */
    static <A> void to(StreamObserver<A> responses, Answer<A> answer) {
        try {
            responses.onNext(answer.make());
            responses.onCompleted();
        } catch (SandboxException e) {
            responses.onError(StatusMapping.of(e));
        } catch (InterruptedException e) {
            responses.onError(StatusMapping.interrupted());
        } catch (RuntimeException e) {
            LOG.error("a call failed by a fault of Barchan's own", e);
            responses.onError(Status.INTERNAL
                    .withDescription(
                            "a fault of Barchan's own (" + e.getClass().getSimpleName() + "): see the agent's log")
                    .asRuntimeException());
        }
    }
}
