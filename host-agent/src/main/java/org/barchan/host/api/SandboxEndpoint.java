package org.barchan.host.api;

import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.barchan.host.lifecycle.ChunkedOutput;
import org.barchan.host.lifecycle.SandboxView;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ClientLostPolicy;
import org.barchan.v1.CreateSandboxRequest;
import org.barchan.v1.CreateSandboxResponse;
import org.barchan.v1.DeleteSandboxRequest;
import org.barchan.v1.DeleteSandboxResponse;
import org.barchan.v1.ExportChangesRequest;
import org.barchan.v1.ExportChangesResponse;
import org.barchan.v1.GetSandboxRequest;
import org.barchan.v1.GetSandboxResponse;
import org.barchan.v1.ListChangesRequest;
import org.barchan.v1.ListChangesResponse;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.ListSandboxesResponse;
import org.barchan.v1.PauseSandboxRequest;
import org.barchan.v1.PauseSandboxResponse;
import org.barchan.v1.RenameSandboxRequest;
import org.barchan.v1.RenameSandboxResponse;
import org.barchan.v1.ResumeSandboxRequest;
import org.barchan.v1.ResumeSandboxResponse;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.StopSandboxRequest;
import org.barchan.v1.StopSandboxResponse;

/** {@code SandboxService}. */
final class SandboxEndpoint extends SandboxServiceGrpc.SandboxServiceImplBase {
    private static final int SIGTERM = 15;
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LONGEST_STOP = Duration.ofDays(1);

    private final Sandboxes sandboxes;

    SandboxEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public void createSandbox(CreateSandboxRequest request, StreamObserver<CreateSandboxResponse> responses) {
        HostUser client = Caller.current();
        Answer.to(responses, () -> {
            RunStart start = toBeKept(request.getStart());
            return CreateSandboxResponse.newBuilder()
                    .setSandbox(sandboxes
                            .created()
                            .create(new RunStartParser().parse(start, client), start)
                            .message())
                    .build();
        });
    }

    /** Returns what is parsed as an order that nobody stays for. */
    private static RunStart toBeKept(RunStart start) {
        List<StatusMapping.Violation> violations = new ArrayList<>();
        if (start.getClientLostPolicy() == ClientLostPolicy.CLIENT_LOST_POLICY_DELETE) {
            violations.add(new StatusMapping.Violation(
                    "start.client_lost_policy",
                    "CLIENT_LOST_POLICY_DELETE (expected: CLIENT_LOST_POLICY_KEEP, as it outlives its client)"));
        }
        if (start.getExportChanges() || start.getAwaitHalfClose()) {
            violations.add(new StatusMapping.Violation(
                    start.getExportChanges() ? "start.export_changes" : "start.await_half_close",
                    "true (expected: false, as no client may be there when its process ends)"));
        }
        if (!violations.isEmpty()) {
            throw StatusMapping.of(violations);
        }
        RunStart.Builder kept = start.toBuilder().setDetach(true);
        if (start.getClientLostPolicyValue() == 0) {
            kept.setClientLostPolicy(ClientLostPolicy.CLIENT_LOST_POLICY_KEEP);
        }
        return kept.build();
    }

    @Override
    public void getSandbox(GetSandboxRequest request, StreamObserver<GetSandboxResponse> responses) {
        Answer.to(
                responses,
                () -> GetSandboxResponse.newBuilder()
                        .setSandbox(sandboxes.get(request.getSandbox()).message())
                        .build());
    }

    @Override
    public void listSandboxes(ListSandboxesRequest request, StreamObserver<ListSandboxesResponse> responses) {
        Answer.to(
                responses,
                () -> ListSandboxesResponse.newBuilder()
                        .addAllSandboxes(sandboxes.list(new SandboxFilterParser().parse(request)).stream()
                                .map(SandboxView::message)
                                .toList())
                        .build());
    }

    @Override
    public void renameSandbox(RenameSandboxRequest request, StreamObserver<RenameSandboxResponse> responses) {
        Answer.to(
                responses,
                () -> RenameSandboxResponse.newBuilder()
                        .setSandbox(sandboxes
                                .rename(request.getSandbox(), newName(request))
                                .message())
                        .build());
    }

    private static SandboxName newName(RenameSandboxRequest request) {
        try {
            return new SandboxName(request.getNewName());
        } catch (IllegalArgumentException e) {
            throw StatusMapping.of(List.of(new StatusMapping.Violation("new_name", String.valueOf(e.getMessage()))));
        }
    }

    @Override
    public void deleteSandbox(DeleteSandboxRequest request, StreamObserver<DeleteSandboxResponse> responses) {
        Answer.to(responses, () -> {
            sandboxes.delete(request.getSandbox());
            return DeleteSandboxResponse.getDefaultInstance();
        });
    }

    @Override
    public void stopSandbox(StopSandboxRequest request, StreamObserver<StopSandboxResponse> responses) {
        Answer.to(responses, () -> {
            int signal = request.hasSignal() ? ProcessParser.signal(request.getSignal()) : SIGTERM;
            Duration timeout = request.hasTimeout() ? timeout(request.getTimeout()) : STOP_TIMEOUT;
            return StopSandboxResponse.newBuilder()
                    .setEndedInTime(sandboxes.stop(request.getSandbox(), signal, timeout))
                    .build();
        });
    }

    @Override
    public void pauseSandbox(PauseSandboxRequest request, StreamObserver<PauseSandboxResponse> responses) {
        Answer.to(responses, () -> {
            sandboxes.pause(request.getSandbox());
            return PauseSandboxResponse.getDefaultInstance();
        });
    }

    @Override
    public void resumeSandbox(ResumeSandboxRequest request, StreamObserver<ResumeSandboxResponse> responses) {
        Answer.to(responses, () -> {
            sandboxes.resume(request.getSandbox());
            return ResumeSandboxResponse.getDefaultInstance();
        });
    }

    private static Duration timeout(com.google.protobuf.Duration timeout) throws SandboxException {
        if (timeout.getSeconds() < 0
                || timeout.getSeconds() > LONGEST_STOP.toSeconds()
                || timeout.getNanos() < 0
                || timeout.getNanos() >= 1_000_000_000) {
            throw new SandboxException(
                    SandboxException.Code.INVALID,
                    "timeout: " + timeout.getSeconds() + " s " + timeout.getNanos() + " ns (expected: 0 to a day)");
        }
        return Duration.ofSeconds(timeout.getSeconds(), timeout.getNanos());
    }

    @Override
    public void listChanges(ListChangesRequest request, StreamObserver<ListChangesResponse> responses) {
        PacedResponses.answer(
                responses,
                paced -> sandboxes.readChanges(
                        request.getSandbox(),
                        change -> paced.send(ListChangesResponse.newBuilder()
                                .setChange(change)
                                .build())));
    }

    @Override
    public void exportChanges(ExportChangesRequest request, StreamObserver<ExportChangesResponse> responses) {
        PacedResponses.answer(
                responses,
                paced -> sandboxes.exportChanges(
                        request.getSandbox(),
                        new ChunkedOutput(data -> paced.send(
                                ExportChangesResponse.newBuilder().setData(data).build()))));
    }
}
