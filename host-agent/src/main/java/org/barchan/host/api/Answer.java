package org.barchan.host.api;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import org.barchan.host.sandbox.SandboxException;

/** What a call with one response returns. */
@FunctionalInterface
interface Answer<A> {
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
        } catch (StatusRuntimeException e) {
            // A request with wrong fields.
            responses.onError(e);
        } catch (RuntimeException e) {
            responses.onError(StatusMapping.fault(e));
        }
    }
}
