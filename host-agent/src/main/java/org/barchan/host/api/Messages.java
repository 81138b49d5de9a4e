package org.barchan.host.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.time.Instant;
import org.barchan.host.lifecycle.Doctor.Check;
import org.barchan.host.lifecycle.RunObserver;
import org.barchan.host.lifecycle.Template;
import org.barchan.host.lifecycle.TemplateDescription;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.v1.Accelerator;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.DiagnosisOutcome;
import org.barchan.v1.Kernel;
import org.barchan.v1.ProgressLevel;
import org.barchan.v1.TemplateKind;

/** Makes messages of the public API from what the use cases return. */
final class Messages {
    private Messages() {}

    static ProgressLevel level(RunObserver.Level level) {
        return switch (level) {
            case VERBOSE -> ProgressLevel.PROGRESS_LEVEL_VERBOSE;
            case INFO -> ProgressLevel.PROGRESS_LEVEL_INFO;
            case WARNING -> ProgressLevel.PROGRESS_LEVEL_WARNING;
        };
    }

    static DiagnoseResponse diagnosis(Check check) {
        return DiagnoseResponse.newBuilder()
                .setCheck(check.check())
                .setOutcome(
                        switch (check.outcome()) {
                            case OK -> DiagnosisOutcome.DIAGNOSIS_OUTCOME_OK;
                            case WARNING -> DiagnosisOutcome.DIAGNOSIS_OUTCOME_WARNING;
                            case FAILED -> DiagnosisOutcome.DIAGNOSIS_OUTCOME_FAILED;
                        })
                .setDetail(check.detail())
                .setRemedy(check.remedy())
                .build();
    }

    static Kernel kernel(KernelReport kernel) {
        return Kernel.newBuilder()
                .setRelease(kernel.release())
                .setImage(ByteString.copyFromUtf8(kernel.image().toString()))
                .setProblem(kernel.problem().orElse(""))
                .build();
    }

    static org.barchan.v1.Template template(Template template) {
        org.barchan.v1.Template.Builder message =
                org.barchan.v1.Template.newBuilder().setId(template.id()).setSizeBytes(template.bytes());
        template.lastUseTime().ifPresent(time -> message.setLastUseTime(timestamp(time)));
        template.description()
                .ifPresent(description -> message.setCreateTime(timestamp(description.createTime()))
                        .setKind(kind(description)));
        return message.build();
    }

    private static TemplateKind kind(TemplateDescription description) {
        TemplateKind.Builder kind = TemplateKind.newBuilder()
                .setKernelRelease(description.kernelRelease())
                .setAccelerator(accelerator(description.accelerator()))
                .setMemoryBytes(description.memory().bytes())
                .setVcpus(description.vcpus())
                .setDisks(description.disks());
        description.kernelArguments().forEach(argument -> kind.addKernelArguments(argument.text()));
        return kind.build();
    }

    private static Accelerator accelerator(org.barchan.host.sandbox.Accelerator accelerator) {
        return switch (accelerator) {
            case KVM -> Accelerator.ACCELERATOR_KVM;
            case TCG -> Accelerator.ACCELERATOR_TCG;
        };
    }

    private static Timestamp timestamp(Instant instant) {
        long seconds = instant.getEpochSecond();
        int nanos = instant.getNano();
        return Timestamp.newBuilder().setSeconds(seconds).setNanos(nanos).build();
    }
}
