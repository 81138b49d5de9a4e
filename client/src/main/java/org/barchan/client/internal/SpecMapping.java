package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import java.util.UUID;
import org.barchan.client.Accelerator;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.DiskImage;
import org.barchan.client.EventType;
import org.barchan.client.ExecSpec;
import org.barchan.client.Identity;
import org.barchan.client.KeepSpec;
import org.barchan.client.LogPolicy;
import org.barchan.client.Mount;
import org.barchan.client.MountMode;
import org.barchan.client.ProcessSpec;
import org.barchan.client.RawText;
import org.barchan.client.RunSpec;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxSpec;
import org.barchan.client.SandboxState;
import org.barchan.client.TerminalSize;
import org.barchan.client.Transport;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.ExecStart;
import org.barchan.v1.HostPath;
import org.barchan.v1.Label;
import org.barchan.v1.LabelMatch;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.LogSpec;
import org.barchan.v1.PortProtocol;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxPath;
import org.barchan.v1.Terminal;
import org.barchan.v1.Tmpfs;
import org.barchan.v1.WorkingDirectoryPolicy;

/** Turns what the library is asked into the API's messages. */
final class SpecMapping {
    private SpecMapping() {}

    static RunStart toProto(RunSpec spec) {
        RunStart.Builder proto = RunStart.newBuilder()
                .setSandbox(toProto(spec.sandbox()))
                .setProcess(toProto(spec.process()))
                .setClientLostPolicy(toProto(spec.clientLostPolicy()))
                .setExportChanges(spec.exportChanges())
                .setAwaitHalfClose(spec.keepUntilReleased());
        spec.publishedPorts()
                .forEach(port -> proto.addPublishedPorts(org.barchan.v1.PublishedPort.newBuilder()
                        .setAddress(port.address())
                        .setHostPort(port.hostPort())
                        .setPort(port.port())
                        .setProtocol(
                                switch (port.protocol()) {
                                    case TCP -> PortProtocol.PORT_PROTOCOL_TCP;
                                    case UDP -> PortProtocol.PORT_PROTOCOL_UDP;
                                })));
        if (spec.clientLostPolicy() == ClientLostPolicy.KEEP) {
            proto.setDetach(spec.keep().detach())
                    .setLog(log(spec.keep()))
                    .setDeleteWhenEnded(spec.keep().deleteWhenEnded())
                    .setStdinOpen(spec.keep().stdinOpen());
            if (!spec.exportChanges() && !spec.keepUntilReleased()) {
                // So that what an agent may not have heard can be said again.
                proto.setRequestId(UUID.randomUUID().toString());
            }
        }
        return proto.build();
    }

    static ExecStart toProto(String idOrName, ExecSpec spec) {
        ExecStart.Builder proto = ExecStart.newBuilder().setSandbox(idOrName).setProcess(toProto(spec.process()));
        if (spec.clientLostPolicy() == ClientLostPolicy.KEEP) {
            proto.setClientLostPolicy(toProto(spec.clientLostPolicy()))
                    .setDetach(spec.keep().detach())
                    .setLog(log(spec.keep()))
                    .setDeleteWhenEnded(spec.keep().deleteWhenEnded())
                    .setStdinOpen(spec.keep().stdinOpen())
                    // So that what an agent may not have heard can be said again.
                    .setProcessId(spec.processId().orElseGet(SpecMapping::newProcessId));
        }
        return proto.build();
    }

    private static String newProcessId() {
        return "exec-" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    }

    private static LogSpec log(KeepSpec keep) {
        LogSpec.Builder log = LogSpec.newBuilder().setPolicy(toProto(keep.logPolicy()));
        keep.logBytes().ifPresent(log::setLimitBytes);
        return log.build();
    }

    private static org.barchan.v1.LogPolicy toProto(LogPolicy policy) {
        return switch (policy) {
            case DROP_OLDEST -> org.barchan.v1.LogPolicy.LOG_POLICY_DROP_OLDEST;
            case BLOCK -> org.barchan.v1.LogPolicy.LOG_POLICY_BLOCK;
            case SPILL -> org.barchan.v1.LogPolicy.LOG_POLICY_SPILL;
        };
    }

    static org.barchan.v1.SandboxSpec toProto(SandboxSpec spec) {
        org.barchan.v1.SandboxSpec.Builder proto = org.barchan.v1.SandboxSpec.newBuilder()
                .setAccelerator(toProto(spec.accelerator()))
                .setDebug(spec.debug())
                .setNoTemplate(!spec.fromTemplate());
        spec.name().ifPresent(proto::setName);
        spec.rootDirectory().map(SpecMapping::bytes).ifPresent(proto::setRootDirectory);
        proto.setExposeHostRoot(spec.exposeHostRoot());
        // An image that becomes the root has all that of its own.
        if (spec.rootMode() != MountMode.READ_ONLY) {
            proto.setRootMode(toProto(spec.rootMode()));
        }
        if (spec.rootTransport() != Transport.AUTO) {
            proto.setRootTransport(toProto(spec.rootTransport()));
        }
        spec.rootOverlayBytes().ifPresent(proto::setRootOverlayBytes);
        spec.mounts().forEach(mount -> proto.addMounts(toProto(mount)));
        spec.disks()
                .forEach(disk -> proto.addDisks(org.barchan.v1.Disk.newBuilder()
                        .setTag(disk.tag())
                        .setImage(toProto(disk.image()))
                        .setMode(readOnlyOrWrite(!disk.writable()))));
        spec.memoryBytes().ifPresent(proto::setMemoryBytes);
        spec.vcpus().ifPresent(proto::setVcpus);
        spec.kernelImage().map(SpecMapping::bytes).ifPresent(proto::setKernelImage);
        spec.kernelModules().map(SpecMapping::bytes).ifPresent(proto::setKernelModules);
        proto.addAllKernelArguments(spec.kernelArguments());
        spec.libvirtUri().ifPresent(proto::setLibvirtUri);
        spec.labels()
                .forEach((key, value) ->
                        proto.addLabels(Label.newBuilder().setKey(key).setValue(value)));
        spec.maxLifetime().map(SpecMapping::toProto).ifPresent(proto::setMaxLifetime);
        spec.idleTimeout().map(SpecMapping::toProto).ifPresent(proto::setIdleTimeout);
        return proto.build();
    }

    private static Duration toProto(java.time.Duration duration) {
        return Duration.newBuilder()
                .setSeconds(duration.getSeconds())
                .setNanos(duration.getNano())
                .build();
    }

    static ListSandboxesRequest toProto(SandboxFilter filter) {
        org.barchan.v1.SandboxFilter.Builder proto =
                org.barchan.v1.SandboxFilter.newBuilder().addAllNames(filter.names());
        filter.labels().forEach(label -> {
            LabelMatch.Builder match = LabelMatch.newBuilder().setKey(label.key());
            label.value().ifPresent(match::setValue);
            proto.addLabels(match);
        });
        filter.states().forEach(state -> proto.addStates(toProto(state)));
        return ListSandboxesRequest.newBuilder()
                .setEnded(filter.ended())
                .setFilter(proto)
                .build();
    }

    private static org.barchan.v1.SandboxState toProto(SandboxState state) {
        return switch (state) {
            case CREATED -> org.barchan.v1.SandboxState.SANDBOX_STATE_CREATED;
            case STARTING -> org.barchan.v1.SandboxState.SANDBOX_STATE_STARTING;
            case RUNNING -> org.barchan.v1.SandboxState.SANDBOX_STATE_RUNNING;
            case PAUSED -> org.barchan.v1.SandboxState.SANDBOX_STATE_PAUSED;
            case STOPPING -> org.barchan.v1.SandboxState.SANDBOX_STATE_STOPPING;
            case ENDED -> org.barchan.v1.SandboxState.SANDBOX_STATE_ENDED;
            case UNKNOWN -> org.barchan.v1.SandboxState.SANDBOX_STATE_UNSPECIFIED;
        };
    }

    private static org.barchan.v1.Mount toProto(Mount mount) {
        org.barchan.v1.Mount.Builder proto = org.barchan.v1.Mount.newBuilder().setTarget(bytes(mount.target()));
        switch (mount) {
            case Mount.HostDirectory directory -> {
                proto.setHostPath(HostPath.newBuilder()
                                .setPath(bytes(directory.source()))
                                .setTransport(toProto(directory.transport())))
                        .setMode(toProto(directory.mode()));
                directory.overlayBytes().ifPresent(proto::setOverlayBytes);
            }
            case Mount.Image image -> {
                proto.setImage(toProto(image.image())).setMode(toProto(image.mode()));
                image.overlayBytes().ifPresent(proto::setOverlayBytes);
            }
            case Mount.Memory memory -> {
                Tmpfs.Builder tmpfs = Tmpfs.newBuilder();
                memory.bytes().ifPresent(tmpfs::setSizeBytes);
                memory.mode().ifPresent(tmpfs::setMode);
                proto.setTmpfs(tmpfs).setMode(readOnlyOrWrite(memory.readOnly()));
            }
            case Mount.Bind bind ->
                proto.setSandboxPath(SandboxPath.newBuilder().setPath(bytes(bind.source())))
                        .setMode(readOnlyOrWrite(bind.readOnly()));
        }
        return proto.build();
    }

    private static org.barchan.v1.DiskImage toProto(DiskImage image) {
        return org.barchan.v1.DiskImage.newBuilder()
                .setPath(bytes(image.path()))
                .setFormat(
                        switch (image.format()) {
                            case AUTO -> org.barchan.v1.ImageFormat.IMAGE_FORMAT_UNSPECIFIED;
                            case RAW -> org.barchan.v1.ImageFormat.IMAGE_FORMAT_RAW;
                            case QCOW2 -> org.barchan.v1.ImageFormat.IMAGE_FORMAT_QCOW2;
                        })
                .build();
    }

    private static org.barchan.v1.MountMode readOnlyOrWrite(boolean readOnly) {
        return toProto(readOnly ? MountMode.READ_ONLY : MountMode.READ_WRITE);
    }

    private static org.barchan.v1.MountMode toProto(MountMode mode) {
        return switch (mode) {
            case READ_ONLY -> org.barchan.v1.MountMode.MOUNT_MODE_READ_ONLY;
            case READ_WRITE -> org.barchan.v1.MountMode.MOUNT_MODE_READ_WRITE;
            case OVERLAY -> org.barchan.v1.MountMode.MOUNT_MODE_OVERLAY;
            case SCRATCH -> org.barchan.v1.MountMode.MOUNT_MODE_SCRATCH;
        };
    }

    private static org.barchan.v1.Transport toProto(Transport transport) {
        return switch (transport) {
            case AUTO -> org.barchan.v1.Transport.TRANSPORT_AUTO;
            case NINEP -> org.barchan.v1.Transport.TRANSPORT_NINEP;
            case VIRTIOFS -> org.barchan.v1.Transport.TRANSPORT_VIRTIOFS;
        };
    }

    static org.barchan.v1.ProcessSpec toProto(ProcessSpec spec) {
        org.barchan.v1.ProcessSpec.Builder proto = org.barchan.v1.ProcessSpec.newBuilder();
        spec.command().forEach(word -> proto.addArgv(bytes(word)));
        spec.environment()
                .forEach((name, value) -> proto.addEnvironment(
                        EnvironmentVariable.newBuilder().setName(bytes(name)).setValue(bytes(value))));
        spec.workingDirectory()
                .ifPresent(directory -> proto.setWorkingDirectory(bytes(directory.path()))
                        .setWorkingDirectoryPolicy(
                                directory.required()
                                        ? WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_REQUIRED
                                        : WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_ROOT_IF_ABSENT));
        spec.identity().map(SpecMapping::toProto).ifPresent(proto::setIdentity);
        spec.timeout()
                .ifPresent(limit -> proto.setTimeout(
                        Duration.newBuilder().setSeconds(limit.getSeconds()).setNanos(limit.getNano())));
        spec.terminal()
                .ifPresent(size -> proto.setTerminal(Terminal.newBuilder().setSize(toProto(size))));
        LimitMapping.put(spec.limits(), proto);
        return proto.build();
    }

    static org.barchan.v1.TerminalSize toProto(TerminalSize size) {
        return org.barchan.v1.TerminalSize.newBuilder()
                .setRows(size.rows())
                .setColumns(size.columns())
                .build();
    }

    private static org.barchan.v1.Identity toProto(Identity identity) {
        org.barchan.v1.Identity.Builder proto = org.barchan.v1.Identity.newBuilder()
                .setUid((int) identity.uid())
                .setGid((int) identity.gid())
                .setPrivileged(identity.privileged());
        identity.supplementaryGids().forEach(gid -> proto.addSupplementaryGids(gid.intValue()));
        return proto.build();
    }

    private static org.barchan.v1.Accelerator toProto(Accelerator accelerator) {
        return switch (accelerator) {
            case AUTO -> org.barchan.v1.Accelerator.ACCELERATOR_AUTO;
            case KVM -> org.barchan.v1.Accelerator.ACCELERATOR_KVM;
            case TCG -> org.barchan.v1.Accelerator.ACCELERATOR_TCG;
        };
    }

    private static org.barchan.v1.ClientLostPolicy toProto(ClientLostPolicy policy) {
        return switch (policy) {
            case DELETE -> org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_DELETE;
            case KEEP -> org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_KEEP;
        };
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFrom(RawText.encode(text));
    }

    /** @throws IllegalArgumentException of what is unknown */
    static org.barchan.v1.EventType toProto(EventType type) {
        return switch (type) {
            case SANDBOX_CREATED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_CREATED;
            case SANDBOX_STARTING -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_STARTING;
            case SANDBOX_RUNNING -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_RUNNING;
            case SANDBOX_PAUSED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_PAUSED;
            case SANDBOX_RESUMED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_RESUMED;
            case SANDBOX_ENDED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_ENDED;
            case SANDBOX_DELETED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_DELETED;
            case SANDBOX_ADOPTED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_ADOPTED;
            case SANDBOX_RENAMED -> org.barchan.v1.EventType.EVENT_TYPE_SANDBOX_RENAMED;
            case PROCESS_STARTED -> org.barchan.v1.EventType.EVENT_TYPE_PROCESS_STARTED;
            case PROCESS_ENDED -> org.barchan.v1.EventType.EVENT_TYPE_PROCESS_ENDED;
            case EVENTS_LOST -> org.barchan.v1.EventType.EVENT_TYPE_EVENTS_LOST;
            case UNKNOWN -> throw new IllegalArgumentException("events of an unknown type can't be asked for");
        };
    }
}
