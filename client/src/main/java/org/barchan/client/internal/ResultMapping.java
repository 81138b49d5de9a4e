package org.barchan.client.internal;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.barchan.client.Accelerator;
import org.barchan.client.AgentInfo;
import org.barchan.client.Change;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.Diagnosis;
import org.barchan.client.Event;
import org.barchan.client.EventType;
import org.barchan.client.FileInfo;
import org.barchan.client.Isolation;
import org.barchan.client.Kernel;
import org.barchan.client.ProgressLevel;
import org.barchan.client.PublishedPort;
import org.barchan.client.RawText;
import org.barchan.client.Sandbox;
import org.barchan.client.SandboxProcess;
import org.barchan.client.SandboxState;
import org.barchan.client.SpawnStep;
import org.barchan.client.StandardStream;
import org.barchan.client.Template;
import org.barchan.client.Termination;
import org.barchan.client.TerminationCause;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.FileType;
import org.barchan.v1.GetNodeResponse;
import org.barchan.v1.PortProtocol;
import org.barchan.v1.TemplateKind;

/** Turns the API's messages into what the library gives back. Values that a newer agent may send become UNKNOWN. */
final class ResultMapping {
    private ResultMapping() {}

    static AgentInfo fromProto(GetNodeResponse proto) {
        return new AgentInfo(
                proto.getAgentVersion(), proto.getLibvirtVersion(), proto.getAgentPid(), proto.getStateDirectory());
    }

    static Kernel fromProto(org.barchan.v1.Kernel proto) {
        return new Kernel(
                proto.getRelease(),
                RawText.decode(proto.getImage().toByteArray()),
                Optional.of(proto.getProblem()).filter(problem -> !problem.isEmpty()));
    }

    static Template fromProto(org.barchan.v1.Template proto) {
        return new Template(
                proto.getId(),
                proto.getSizeBytes(),
                proto.hasCreateTime() ? Optional.of(fromProto(proto.getCreateTime())) : Optional.empty(),
                proto.hasLastUseTime() ? Optional.of(fromProto(proto.getLastUseTime())) : Optional.empty(),
                proto.hasKind() ? Optional.of(fromProto(proto.getKind())) : Optional.empty());
    }

    private static Template.Kind fromProto(TemplateKind proto) {
        return new Template.Kind(
                proto.getKernelRelease(),
                fromProto(proto.getAccelerator()),
                proto.getMemoryBytes(),
                proto.getVcpus(),
                proto.getDisks(),
                proto.getKernelArgumentsList());
    }

    static Change fromProto(org.barchan.v1.Change proto) {
        Change.Kind kind = switch (proto.getKind()) {
            case CHANGE_KIND_ADDED -> Change.Kind.ADDED;
            case CHANGE_KIND_CHANGED -> Change.Kind.CHANGED;
            case CHANGE_KIND_DELETED -> Change.Kind.DELETED;
            case CHANGE_KIND_UNSPECIFIED, UNRECOGNIZED -> Change.Kind.UNKNOWN;
        };
        return new Change(
                RawText.decode(proto.getPath().toByteArray()),
                kind,
                kind == Change.Kind.DELETED ? Optional.empty() : Optional.of(status(proto)));
    }

    private static Change.Type fromProto(FileType type) {
        return switch (type) {
            case FILE_TYPE_REGULAR -> Change.Type.REGULAR;
            case FILE_TYPE_DIRECTORY -> Change.Type.DIRECTORY;
            case FILE_TYPE_SYMLINK -> Change.Type.SYMLINK;
            case FILE_TYPE_FIFO -> Change.Type.FIFO;
            case FILE_TYPE_SOCKET -> Change.Type.SOCKET;
            case FILE_TYPE_CHARACTER_DEVICE -> Change.Type.CHARACTER_DEVICE;
            case FILE_TYPE_BLOCK_DEVICE -> Change.Type.BLOCK_DEVICE;
            case FILE_TYPE_UNSPECIFIED, UNRECOGNIZED -> Change.Type.UNKNOWN;
        };
    }

    static FileInfo fromProto(org.barchan.v1.FileInfo proto) {
        Change.Type type = fromProto(proto.getType());
        return new FileInfo(
                type,
                proto.getMode(),
                Integer.toUnsignedLong(proto.getUid()),
                Integer.toUnsignedLong(proto.getGid()),
                proto.getSizeBytes(),
                fromProto(proto.getModifyTime()),
                type == Change.Type.SYMLINK
                        ? Optional.of(RawText.decode(proto.getLinkTarget().toByteArray()))
                        : Optional.empty());
    }

    private static Change.FileStatus status(org.barchan.v1.Change proto) {
        Change.Type type = fromProto(proto.getType());
        return new Change.FileStatus(
                type,
                proto.getMode(),
                Integer.toUnsignedLong(proto.getUid()),
                Integer.toUnsignedLong(proto.getGid()),
                proto.getSizeBytes(),
                fromProto(proto.getModifyTime()),
                type == Change.Type.SYMLINK
                        ? Optional.of(RawText.decode(proto.getLinkTarget().toByteArray()))
                        : Optional.empty(),
                proto.getReplaced());
    }

    static Diagnosis fromProto(DiagnoseResponse proto) {
        Diagnosis.Outcome outcome = switch (proto.getOutcome()) {
            case DIAGNOSIS_OUTCOME_OK -> Diagnosis.Outcome.OK;
            case DIAGNOSIS_OUTCOME_WARNING -> Diagnosis.Outcome.WARNING;
            case DIAGNOSIS_OUTCOME_FAILED, DIAGNOSIS_OUTCOME_UNSPECIFIED, UNRECOGNIZED -> Diagnosis.Outcome.FAILED;
        };
        return new Diagnosis(proto.getCheck(), outcome, proto.getDetail(), proto.getRemedy());
    }

    private static Sandbox.Command command(org.barchan.v1.SandboxProcess process) {
        return new Sandbox.Command(
                process.getArgvList().stream()
                        .map(word -> RawText.decode(word.toByteArray()))
                        .toList(),
                process.getTerminal());
    }

    static SandboxProcess fromProto(org.barchan.v1.SandboxProcess proto) {
        return new SandboxProcess(
                proto.getProcessId(),
                command(proto),
                fromProto(proto.getCreateTime()),
                proto.hasTermination()
                        ? Optional.of(new Sandbox.End(fromProto(proto.getTermination()), fromProto(proto.getEndTime())))
                        : Optional.empty());
    }

    static Sandbox fromProto(org.barchan.v1.Sandbox proto) {
        return new Sandbox(
                proto.getId(),
                proto.getName(),
                fromProto(proto.getState()),
                fromProto(proto.getAccelerator()),
                fromProto(proto.getIsolation()),
                proto.getKernelRelease(),
                fromProto(proto.getCreateTime()),
                proto.getBootId(),
                Integer.toUnsignedLong(proto.getLinkEpochs()),
                fromProto(proto.getClientLostPolicy()),
                proto.hasProcess() ? Optional.of(command(proto.getProcess())) : Optional.empty(),
                proto.hasTermination()
                        ? Optional.of(new Sandbox.End(fromProto(proto.getTermination()), fromProto(proto.getEndTime())))
                        : Optional.empty(),
                proto.getPublishedPortsList().stream()
                        .map(ResultMapping::fromProto)
                        .toList(),
                labels(proto),
                proto.hasMaxLifetime() ? Optional.of(fromProto(proto.getMaxLifetime())) : Optional.empty(),
                proto.hasIdleTimeout() ? Optional.of(fromProto(proto.getIdleTimeout())) : Optional.empty());
    }

    private static PublishedPort fromProto(org.barchan.v1.PublishedPort port) {
        return new PublishedPort(
                port.getAddress(),
                port.getHostPort(),
                port.getPort(),
                port.getProtocol() == PortProtocol.PORT_PROTOCOL_UDP
                        ? PublishedPort.Protocol.UDP
                        : PublishedPort.Protocol.TCP);
    }

    private static Map<String, String> labels(org.barchan.v1.Sandbox proto) {
        Map<String, String> labels = new LinkedHashMap<>();
        proto.getLabelsList().forEach(label -> labels.put(label.getKey(), label.getValue()));
        return labels;
    }

    static Event fromProto(org.barchan.v1.Event proto, String cursor) {
        return new Event(
                cursor,
                fromProto(proto.getType()),
                fromProto(proto.getTime()),
                proto.getSandboxId(),
                proto.getSandboxName(),
                proto.getOldName(),
                proto.getProcessId(),
                proto.hasTermination() ? Optional.of(fromProto(proto.getTermination())) : Optional.empty(),
                proto.getReason(),
                proto.getPublishedPortsList().stream()
                        .map(ResultMapping::fromProto)
                        .toList());
    }

    private static EventType fromProto(org.barchan.v1.EventType proto) {
        return switch (proto) {
            case EVENT_TYPE_SANDBOX_CREATED -> EventType.SANDBOX_CREATED;
            case EVENT_TYPE_SANDBOX_STARTING -> EventType.SANDBOX_STARTING;
            case EVENT_TYPE_SANDBOX_RUNNING -> EventType.SANDBOX_RUNNING;
            case EVENT_TYPE_SANDBOX_PAUSED -> EventType.SANDBOX_PAUSED;
            case EVENT_TYPE_SANDBOX_RESUMED -> EventType.SANDBOX_RESUMED;
            case EVENT_TYPE_SANDBOX_ENDED -> EventType.SANDBOX_ENDED;
            case EVENT_TYPE_SANDBOX_DELETED -> EventType.SANDBOX_DELETED;
            case EVENT_TYPE_SANDBOX_ADOPTED -> EventType.SANDBOX_ADOPTED;
            case EVENT_TYPE_SANDBOX_RENAMED -> EventType.SANDBOX_RENAMED;
            case EVENT_TYPE_PROCESS_STARTED -> EventType.PROCESS_STARTED;
            case EVENT_TYPE_PROCESS_ENDED -> EventType.PROCESS_ENDED;
            case EVENT_TYPE_EVENTS_LOST -> EventType.EVENTS_LOST;
            case EVENT_TYPE_UNSPECIFIED, UNRECOGNIZED -> EventType.UNKNOWN;
        };
    }

    static StandardStream fromProto(org.barchan.v1.OutputStream stream) {
        return stream == org.barchan.v1.OutputStream.OUTPUT_STREAM_STDERR
                ? StandardStream.STDERR
                : StandardStream.STDOUT;
    }

    private static Duration fromProto(com.google.protobuf.Duration duration) {
        return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }

    static Instant fromProto(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    static ProgressLevel fromProto(org.barchan.v1.ProgressLevel proto) {
        return switch (proto) {
            case PROGRESS_LEVEL_INFO -> ProgressLevel.INFO;
            case PROGRESS_LEVEL_WARNING -> ProgressLevel.WARNING;
            case PROGRESS_LEVEL_VERBOSE, PROGRESS_LEVEL_UNSPECIFIED, UNRECOGNIZED -> ProgressLevel.VERBOSE;
        };
    }

    static Termination fromProto(org.barchan.v1.Termination proto) {
        Termination.Result result = switch (proto.getResultCase()) {
            case EXIT_CODE -> new Termination.Exited(proto.getExitCode());
            case SIGNAL -> new Termination.Signalled(proto.getSignal());
            case SPAWN_ERROR ->
                new Termination.NotStarted(
                        fromProto(proto.getSpawnError().getStep()),
                        proto.getSpawnError().getErrno(),
                        proto.getSpawnError().getMessage());
            case LOST -> new Termination.Lost(proto.getLost().getReason());
            case RESULT_NOT_SET -> new Termination.Lost("the agent gave no result that this client knows");
        };
        return new Termination(
                result,
                fromProto(proto.getCause()),
                proto.getStdoutBytes(),
                proto.getStderrBytes(),
                proto.getOutputAbandoned());
    }

    private static TerminationCause fromProto(org.barchan.v1.TerminationCause proto) {
        return switch (proto) {
            case TERMINATION_CAUSE_EXITED -> TerminationCause.EXITED;
            case TERMINATION_CAUSE_SIGNALLED -> TerminationCause.SIGNALLED;
            case TERMINATION_CAUSE_SIGNALLED_BY_CLIENT -> TerminationCause.SIGNALLED_BY_CLIENT;
            case TERMINATION_CAUSE_TIMEOUT -> TerminationCause.TIMEOUT;
            case TERMINATION_CAUSE_NOT_STARTED -> TerminationCause.NOT_STARTED;
            case TERMINATION_CAUSE_OUT_OF_MEMORY -> TerminationCause.OUT_OF_MEMORY;
            case TERMINATION_CAUSE_GUEST_PANIC -> TerminationCause.GUEST_PANIC;
            case TERMINATION_CAUSE_VMM_CRASH -> TerminationCause.VMM_CRASH;
            case TERMINATION_CAUSE_SANDBOX_DELETED -> TerminationCause.SANDBOX_DELETED;
            case TERMINATION_CAUSE_MAX_LIFETIME -> TerminationCause.MAX_LIFETIME;
            case TERMINATION_CAUSE_IDLE -> TerminationCause.IDLE;
            case TERMINATION_CAUSE_UNSPECIFIED, UNRECOGNIZED -> TerminationCause.UNKNOWN;
        };
    }

    private static SpawnStep fromProto(org.barchan.v1.SpawnStep proto) {
        return switch (proto) {
            case SPAWN_STEP_CREATE -> SpawnStep.CREATE;
            case SPAWN_STEP_CHDIR -> SpawnStep.CHDIR;
            case SPAWN_STEP_CREDENTIALS -> SpawnStep.CREDENTIALS;
            case SPAWN_STEP_EXEC -> SpawnStep.EXEC;
            case SPAWN_STEP_LIMITS -> SpawnStep.LIMITS;
            case SPAWN_STEP_UNSPECIFIED, UNRECOGNIZED -> SpawnStep.UNKNOWN;
        };
    }

    static SandboxState fromProto(org.barchan.v1.SandboxState proto) {
        return switch (proto) {
            case SANDBOX_STATE_CREATED -> SandboxState.CREATED;
            case SANDBOX_STATE_STARTING -> SandboxState.STARTING;
            case SANDBOX_STATE_RUNNING -> SandboxState.RUNNING;
            case SANDBOX_STATE_PAUSED -> SandboxState.PAUSED;
            case SANDBOX_STATE_STOPPING -> SandboxState.STOPPING;
            case SANDBOX_STATE_ENDED -> SandboxState.ENDED;
            case SANDBOX_STATE_UNSPECIFIED, UNRECOGNIZED -> SandboxState.UNKNOWN;
        };
    }

    private static Accelerator fromProto(org.barchan.v1.Accelerator proto) {
        return switch (proto) {
            case ACCELERATOR_KVM -> Accelerator.KVM;
            case ACCELERATOR_TCG -> Accelerator.TCG;
            case ACCELERATOR_AUTO, ACCELERATOR_UNSPECIFIED, UNRECOGNIZED -> Accelerator.AUTO;
        };
    }

    private static Isolation fromProto(org.barchan.v1.Isolation proto) {
        return switch (proto) {
            case ISOLATION_NONE -> Isolation.NONE;
            case ISOLATION_HARDWARE -> Isolation.HARDWARE;
            case ISOLATION_UNSPECIFIED, UNRECOGNIZED -> Isolation.UNKNOWN;
        };
    }

    private static ClientLostPolicy fromProto(org.barchan.v1.ClientLostPolicy proto) {
        return switch (proto) {
            case CLIENT_LOST_POLICY_KEEP -> ClientLostPolicy.KEEP;
            case CLIENT_LOST_POLICY_DELETE, CLIENT_LOST_POLICY_UNSPECIFIED, UNRECOGNIZED -> ClientLostPolicy.DELETE;
        };
    }
}
