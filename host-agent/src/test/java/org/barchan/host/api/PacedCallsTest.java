package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls end whose worker fails, or whose client is gone. */
@Timeout(60)
final class PacedCallsTest {
    private final FakeCall call = new FakeCall();

    @Test
    void requests_whoseWorkHasNoMemory_endAsInternal() throws Exception {
        var _ = PacedRequests.<String, String>answer(call, _ -> {
            throw new OutOfMemoryError("none left, for a test");
        });
        assertEquals(Status.Code.INTERNAL, call.status());
    }

    @Test
    void responses_whoseSourceHasNoMemory_endAsInternal() throws Exception {
        PacedResponses.answer(call, _ -> {
            throw new OutOfMemoryError("none left, for a test");
        });
        assertEquals(Status.Code.INTERNAL, call.status());
    }

    @Test
    void requests_ofAClientThatIsGone_haveTheirWorkInterrupted() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        StreamObserver<String> requests = PacedRequests.<String, String>answer(call, _ -> {
            begun.countDown();
            try {
                new CountDownLatch(1).await();
            } finally {
                interrupted.complete(true);
            }
            return "";
        });
        // Of what it has sent all is there: it is not asked for more.
        requests.onCompleted();
        begun.await();
        call.cancel();
        assertEquals(true, interrupted.get(10, TimeUnit.SECONDS));
        assertFalse(call.ended.isDone());
    }

    private static final class FakeCall extends ServerCallStreamObserver<String> {
        final CompletableFuture<Status> ended = new CompletableFuture<>();
        private volatile boolean cancelled;
        private Runnable onCancel = () -> {};

        Status.Code status() throws Exception {
            return ended.get(10, TimeUnit.SECONDS).getCode();
        }

        void cancel() {
            cancelled = true;
            onCancel.run();
        }

        @Override
        public void onNext(String response) {}

        @Override
        public void onError(Throwable error) {
            ended.complete(Status.fromThrowable(error));
        }

        @Override
        public void onCompleted() {
            ended.complete(Status.OK);
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
        public void setOnReadyThreshold(int bytes) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoRequest() {}

        @Override
        @Deprecated
        public void disableAutoInboundFlowControl() {}
    }
}
