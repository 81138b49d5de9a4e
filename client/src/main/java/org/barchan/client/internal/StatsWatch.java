package org.barchan.client.internal;

import com.google.protobuf.Duration;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.stub.ClientCalls;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import org.barchan.client.SandboxStats;
import org.barchan.v1.StatsServiceGrpc;
import org.barchan.v1.WatchStatsRequest;
import org.barchan.v1.WatchStatsResponse;

/** Reads what sandboxes take until its listener has enough; can be begun again with another agent. For one thread. */
final class StatsWatch {
    private final WatchStatsRequest request;
    private final Predicate<List<SandboxStats>> listener;

    StatsWatch(List<String> names, java.time.Duration interval, Predicate<List<SandboxStats>> listener) {
        this.request = WatchStatsRequest.newBuilder()
                .addAllSandboxes(names)
                .setInterval(
                        Duration.newBuilder().setSeconds(interval.getSeconds()).setNanos(interval.getNano()))
                .build();
        this.listener = listener;
    }

    void go(Channel channel) {
        // A call that is left before its end is cancelled.
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            Iterator<WatchStatsResponse> responses = ClientCalls.blockingServerStreamingCall(
                    channel, StatsServiceGrpc.getWatchStatsMethod(), CallOptions.DEFAULT, request);
            boolean more = true;
            while (more && responses.hasNext()) {
                more = listener.test(responses.next().getStatsList().stream()
                        .map(StatsMapping::fromProto)
                        .toList());
            }
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }
}
