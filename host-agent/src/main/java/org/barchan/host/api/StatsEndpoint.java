package org.barchan.host.api;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import org.barchan.host.lifecycle.SandboxUsages;
import org.barchan.v1.GetProcessTableRequest;
import org.barchan.v1.GetProcessTableResponse;
import org.barchan.v1.GetStatsRequest;
import org.barchan.v1.GetStatsResponse;
import org.barchan.v1.StatsServiceGrpc;
import org.barchan.v1.WatchStatsRequest;
import org.barchan.v1.WatchStatsResponse;

/** {@code StatsService}. */
final class StatsEndpoint extends StatsServiceGrpc.StatsServiceImplBase {
    private final SandboxUsages usages;

    StatsEndpoint(SandboxUsages usages) {
        this.usages = usages;
    }

    @Override
    public void getStats(GetStatsRequest request, StreamObserver<GetStatsResponse> responses) {
        Answer.to(
                responses,
                () -> GetStatsResponse.newBuilder()
                        .setStats(usages.read(request.getSandbox()))
                        .build());
    }

    @Override
    public void watchStats(WatchStatsRequest request, StreamObserver<WatchStatsResponse> responses) {
        Duration interval;
        try {
            interval = StatsParser.interval(request);
        } catch (StatusRuntimeException e) {
            responses.onError(e);
            return;
        }
        PacedResponses.answer(
                responses,
                paced -> usages.watch(
                        request.getSandboxesList(),
                        interval,
                        all -> paced.send(
                                WatchStatsResponse.newBuilder().addAllStats(all).build())));
    }

    @Override
    public void getProcessTable(GetProcessTableRequest request, StreamObserver<GetProcessTableResponse> responses) {
        Answer.to(responses, () -> usages.processes(request.getSandbox()));
    }
}
