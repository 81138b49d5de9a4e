package org.barchan.host.api;

import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import org.barchan.host.lifecycle.Doctor;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.DiagnoseRequest;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.GetNodeRequest;
import org.barchan.v1.GetNodeResponse;
import org.barchan.v1.ListKernelsRequest;
import org.barchan.v1.ListKernelsResponse;
import org.barchan.v1.NodeServiceGrpc;

/** {@code NodeService}. */
final class NodeEndpoint extends NodeServiceGrpc.NodeServiceImplBase {
    private final Sandboxes sandboxes;
    private final String version;
    private final Path stateDirectory;

    NodeEndpoint(Sandboxes sandboxes, String version, Path stateDirectory) {
        this.sandboxes = sandboxes;
        this.version = version;
        this.stateDirectory = stateDirectory;
    }

    @Override
    public void getNode(GetNodeRequest request, StreamObserver<GetNodeResponse> responses) {
        Answer.to(
                responses,
                () -> GetNodeResponse.newBuilder()
                        .setAgentVersion(version)
                        .setLibvirtVersion(sandboxes.hypervisorVersion())
                        .setAgentPid(ProcessHandle.current().pid())
                        .setStateDirectory(stateDirectory.toString())
                        .build());
    }

    @Override
    public void listKernels(ListKernelsRequest request, StreamObserver<ListKernelsResponse> responses) {
        Answer.to(responses, () -> {
            ListKernelsResponse.Builder response = ListKernelsResponse.newBuilder();
            sandboxes.kernels().forEach(kernel -> response.addKernels(Messages.kernel(kernel)));
            return response.build();
        });
    }

    @Override
    public void diagnose(DiagnoseRequest request, StreamObserver<DiagnoseResponse> responses) {
        var call = (ServerCallStreamObserver<DiagnoseResponse>) responses;
        // So that a response to a client who is gone is dropped. It would be called by this very thread, too late to
        // stop
        // anything; the context tells at once.
        call.setOnCancelHandler(() -> {});
        Doctor doctor = sandboxes.doctor(Caller.current(), check -> call.onNext(Messages.diagnosis(check)));
        Context.current().addListener(context -> doctor.cancel(), Runnable::run);
        try {
            doctor.examine();
            call.onCompleted();
        } catch (InterruptedException e) {
            if (!call.isCancelled()) {
                call.onError(StatusMapping.interrupted());
            }
        }
    }
}
