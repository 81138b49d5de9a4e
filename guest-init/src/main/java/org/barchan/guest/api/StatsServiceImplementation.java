package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.barchan.guest.stats.SandboxStats;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ReadStatsRequest;
import org.barchan.guest.v1.ReadStatsResponse;
import org.barchan.guest.v1.StatsServiceGrpc;

/** What the agent can ask of what the sandbox takes. See stats_service.proto of the guest. */
final class StatsServiceImplementation extends StatsServiceGrpc.StatsServiceImplBase {
    /** Less than the agent waits. */
    private static final int TURN_SECONDS = 2;

    private final Reader reader;
    private final BooleanSupplier hasSandbox;
    /** One at a time, so that however many ask, what that takes of the guest is bounded. */
    private final Semaphore turn = new Semaphore(1, true);

    /** Reads, see {@link SandboxStats#read}. */
    interface Reader {
        ReadStatsResponse read(int maxProcesses) throws Errno;
    }

    StatsServiceImplementation(Reader reader, BooleanSupplier hasSandbox) {
        this.reader = reader;
        this.hasSandbox = hasSandbox;
    }

    @Override
    public void readStats(ReadStatsRequest request, StreamObserver<ReadStatsResponse> observer) {
        ReadStatsResponse response;
        try {
            response = inTurn(request);
        } catch (Errno | InterruptedException | RuntimeException e) {
            observer.onError(GuestServiceImplementation.statusOf(e).asException());
            return;
        }
        observer.onNext(response);
        observer.onCompleted();
    }

    private ReadStatsResponse inTurn(ReadStatsRequest request) throws Errno, InterruptedException {
        if (!hasSandbox.getAsBoolean()) {
            throw new IllegalStateException("read statistics: there is no sandbox yet, or it has ended");
        }
        if (!turn.tryAcquire(TURN_SECONDS, TimeUnit.SECONDS)) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription("read statistics: they are being read for others, which takes long: try again")
                    .asRuntimeException();
        }
        try {
            // The wire has no sign.
            int most = request.getMaxProcesses() < 0 ? Integer.MAX_VALUE : request.getMaxProcesses();
            return reader.read(most);
        } finally {
            turn.release();
        }
    }
}
