package org.barchan.testing;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.barchan.v1.GetProcessTableRequest;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.StatsServiceGrpc;
import org.barchan.v1.WatchStatsRequest;
import org.barchan.v1.WatchStatsResponse;

/** What sandboxes take, as a test says; the sandbox "nobody" is not there. */
public final class FakeStats extends StatsServiceGrpc.StatsServiceImplBase {
    /** What was asked for. */
    public final BlockingQueue<WatchStatsRequest> watched = new LinkedBlockingQueue<>();

    private volatile List<WatchStatsResponse> readings = List.of();
    private volatile GetProcessTableResponse table = GetProcessTableResponse.getDefaultInstance();

    /** Sets what each call is answered, until it ends. */
    public void readings(WatchStatsResponse... values) {
        readings = List.of(values);
    }

    public void table(GetProcessTableResponse value) {
        table = value;
    }

    @Override
    public void watchStats(WatchStatsRequest request, StreamObserver<WatchStatsResponse> responses) {
        watched.add(request);
        if (request.getSandboxesList().contains("nobody")) {
            responses.onError(
                    Status.NOT_FOUND.withDescription("no 'nobody' here").asException());
            return;
        }
        readings.forEach(responses::onNext);
        responses.onCompleted();
    }

    @Override
    public void getProcessTable(GetProcessTableRequest request, StreamObserver<GetProcessTableResponse> responses) {
        responses.onNext(table);
        responses.onCompleted();
    }
}
