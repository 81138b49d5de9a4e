package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.WriteFileFailure;

/**
 * A call that has something written. gRPC calls it by one thread at a time, and hands over the next message when the last one is written. A call that
 * has failed is told so, and takes what still comes until the agent ends it: see WriteFileResponse.
 */
final class UploadCall<Q, R> implements StreamObserver<Q> {
    private final ServerCallStreamObserver<R> observer;
    private final Upload<Q, R> upload;
    private final Runnable released;
    private boolean over;

    /** What is written. */
    interface Upload<Q, R> {
        void take(Q request) throws Errno;

        /** Called behind the last request. */
        R finish() throws Errno;

        /** Returns how the agent is told. */
        R failed(WriteFileFailure failure);

        /** Called once; what is not finished is gone. */
        void close();
    }

    /** @param released told when it is over */
    UploadCall(ServerCallStreamObserver<R> observer, Upload<Q, R> upload, Runnable released) {
        this.observer = observer;
        this.upload = upload;
        this.released = released;
        // It is told by onError; and a response to a call that is cancelled is nobody's.
        observer.setOnCancelHandler(this::end);
    }

    /** Returns one that has failed. */
    static <Q, R> UploadCall<Q, R> refused(
            ServerCallStreamObserver<R> observer, Upload<Q, R> upload, RuntimeException reason) {
        UploadCall<Q, R> call = new UploadCall<>(observer, upload, () -> {});
        call.fail(reason);
        return call;
    }

    @Override
    public void onNext(Q request) {
        if (over) {
            return;
        }
        try {
            upload.take(request);
        } catch (Errno | RuntimeException e) {
            fail(e);
        }
    }

    private void fail(Exception e) {
        end();
        Status status = FileServiceImplementation.statusOf(e).getStatus();
        observer.onNext(upload.failed(WriteFileFailure.newBuilder()
                .setCode(status.getCode().value())
                .setMessage(String.valueOf(status.getDescription()))
                .build()));
    }

    @Override
    public void onError(Throwable cancelled) {
        end();
    }

    @Override
    public void onCompleted() {
        if (!over) {
            try {
                R response = upload.finish();
                end();
                observer.onNext(response);
            } catch (Errno | RuntimeException e) {
                fail(e);
            }
        }
        observer.onCompleted();
    }

    private void end() {
        if (!over) {
            over = true;
            upload.close();
            released.run();
        }
    }
}
