package org.barchan.host.api;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.barchan.host.lifecycle.RunObserver;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.lifecycle.TemplateBuild;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.BuildTemplateRequest;
import org.barchan.v1.BuildTemplateResponse;
import org.barchan.v1.ListTemplatesRequest;
import org.barchan.v1.ListTemplatesResponse;
import org.barchan.v1.PruneTemplatesRequest;
import org.barchan.v1.PruneTemplatesResponse;
import org.barchan.v1.RunProgress;
import org.barchan.v1.Template;
import org.barchan.v1.TemplateServiceGrpc;

/** {@code TemplateService}. */
final class TemplateEndpoint extends TemplateServiceGrpc.TemplateServiceImplBase {
    private final Sandboxes sandboxes;

    TemplateEndpoint(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public void listTemplates(ListTemplatesRequest request, StreamObserver<ListTemplatesResponse> responses) {
        Answer.to(
                responses,
                () -> ListTemplatesResponse.newBuilder()
                        .addAllTemplates(sandboxes.templates().stream()
                                .map(Messages::template)
                                .toList())
                        .build());
    }

    @Override
    public void pruneTemplates(PruneTemplatesRequest request, StreamObserver<PruneTemplatesResponse> responses) {
        Answer.to(
                responses,
                () -> PruneTemplatesResponse.newBuilder()
                        .addAllRemoved(sandboxes.pruneTemplates(request.getAll()).stream()
                                .map(Messages::template)
                                .toList())
                        .build());
    }

    @Override
    public void buildTemplate(BuildTemplateRequest request, StreamObserver<BuildTemplateResponse> responses) {
        var call = (ServerCallStreamObserver<BuildTemplateResponse>) responses;
        // So that a response to a client who is gone is dropped; the context tells at once that it is.
        call.setOnCancelHandler(() -> {});
        try {
            TemplateBuild build = sandboxes.templateBuild(
                    new RunStartParser().parse(request),
                    Caller.current(),
                    (level, message) -> call.onNext(progress(level, message)));
            Context.current().addListener(context -> build.cancel(), Runnable::run);
            TemplateBuild.Result result = build.make();
            Template template = Messages.template(result.template());
            BuildTemplateResponse.Builder response = BuildTemplateResponse.newBuilder();
            call.onNext((result.made() ? response.setMade(template) : response.setFound(template)).build());
            call.onCompleted();
        } catch (SandboxException e) {
            fail(call, StatusMapping.of(e));
        } catch (InterruptedException e) {
            fail(call, StatusMapping.interrupted());
        } catch (StatusRuntimeException e) {
            fail(call, e);
        } catch (RuntimeException e) {
            fail(call, StatusMapping.fault(e));
        }
    }

    private static BuildTemplateResponse progress(RunObserver.Level level, String message) {
        return BuildTemplateResponse.newBuilder()
                .setProgress(
                        RunProgress.newBuilder().setLevel(Messages.level(level)).setMessage(message))
                .build();
    }

    private static void fail(ServerCallStreamObserver<?> call, StatusRuntimeException status) {
        if (!call.isCancelled()) {
            call.onError(status);
        }
    }
}
