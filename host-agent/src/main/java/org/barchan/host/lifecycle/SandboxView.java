package org.barchan.host.lifecycle;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.Isolation;
import org.barchan.v1.Label;
import org.barchan.v1.PortProtocol;
import org.barchan.v1.Sandbox;
import org.barchan.v1.SandboxProcess;
import org.barchan.v1.SandboxState;
import org.barchan.v1.Termination;

/**
 * A sandbox at one moment.
 *
 * @param accelerator empty until it has been chosen
 * @param kernelRelease empty until the kernel has been chosen
 * @param bootId the guest kernel's boot id; empty until the guest has answered
 * @param linkEpochs number of times that an agent has connected to the guest
 * @param process what it was made for; empty if that is not known
 * @param end how its process has ended, of one that has ended
 * @param published the ports of this host that lead to it, or did
 * @param labels what its user says of it
 * @param lifetime how long it may live
 */
public record SandboxView(
        SandboxId id,
        SandboxName name,
        Phase phase,
        Optional<Accelerator> accelerator,
        String kernelRelease,
        Instant createTime,
        String bootId,
        int linkEpochs,
        ClientLostPolicy clientLostPolicy,
        SandboxProcess process,
        Optional<End> end,
        List<PublishedPort> published,
        Labels labels,
        Lifetime lifetime) {
    public SandboxView {
        published = List.copyOf(published);
    }

    /** One without published ports, labels and limits. */
    SandboxView(
            SandboxId id,
            SandboxName name,
            Phase phase,
            Optional<Accelerator> accelerator,
            String kernelRelease,
            Instant createTime,
            String bootId,
            int linkEpochs,
            ClientLostPolicy clientLostPolicy,
            SandboxProcess process,
            Optional<End> end) {
        this(
                id,
                name,
                phase,
                accelerator,
                kernelRelease,
                createTime,
                bootId,
                linkEpochs,
                clientLostPolicy,
                process,
                end,
                List.of(),
                Labels.NONE,
                Lifetime.UNLIMITED);
    }

    /** Where a sandbox is in its life. */
    public enum Phase {
        CREATED,
        STARTING,
        RUNNING,
        PAUSED,
        STOPPING,
        ENDED
    }

    /** How and when a process has ended. */
    public record End(Termination termination, Instant time) {}

    /** Returns it with another name. */
    SandboxView named(SandboxName other) {
        return new SandboxView(
                id,
                other,
                phase,
                accelerator,
                kernelRelease,
                createTime,
                bootId,
                linkEpochs,
                clientLostPolicy,
                process,
                end,
                published,
                labels,
                lifetime);
    }

    /** Returns it as it is when it was not started. */
    SandboxView created() {
        return new SandboxView(
                id,
                name,
                Phase.CREATED,
                Optional.empty(),
                "",
                createTime,
                "",
                0,
                clientLostPolicy,
                process,
                Optional.empty(),
                published,
                labels,
                lifetime);
    }

    /** Returns it as it is when it has ended. */
    SandboxView ended(Termination termination, Instant time) {
        return new SandboxView(
                id,
                name,
                Phase.ENDED,
                accelerator,
                kernelRelease,
                createTime,
                bootId,
                linkEpochs,
                clientLostPolicy,
                process,
                Optional.of(new End(termination, time)),
                published,
                labels,
                lifetime);
    }

    /** Returns it as the public API has it. */
    public Sandbox message() {
        Sandbox.Builder sandbox = Sandbox.newBuilder()
                .setId(id.value())
                .setName(name.value())
                .setState(
                        switch (phase) {
                            case CREATED -> SandboxState.SANDBOX_STATE_CREATED;
                            case STARTING -> SandboxState.SANDBOX_STATE_STARTING;
                            case RUNNING -> SandboxState.SANDBOX_STATE_RUNNING;
                            case PAUSED -> SandboxState.SANDBOX_STATE_PAUSED;
                            case STOPPING -> SandboxState.SANDBOX_STATE_STOPPING;
                            case ENDED -> SandboxState.SANDBOX_STATE_ENDED;
                        })
                .setKernelRelease(kernelRelease)
                .setCreateTime(timestamp(createTime))
                .setBootId(bootId)
                .setLinkEpochs(linkEpochs)
                .setClientLostPolicy(
                        switch (clientLostPolicy) {
                            case DELETE -> org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_DELETE;
                            case KEEP -> org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_KEEP;
                        });
        if (process.getArgvCount() > 0) {
            sandbox.setProcess(process);
        }
        published.forEach(port -> sandbox.addPublishedPorts(org.barchan.v1.PublishedPort.newBuilder()
                .setAddress(port.host().getAddress().getHostAddress())
                .setHostPort(port.host().getPort())
                .setPort(port.target().port())
                .setProtocol(
                        switch (port.target()) {
                            case PortAddress.Tcp _ -> PortProtocol.PORT_PROTOCOL_TCP;
                            case PortAddress.Udp _ -> PortProtocol.PORT_PROTOCOL_UDP;
                        })));
        labels.values()
                .forEach((key, value) ->
                        sandbox.addLabels(Label.newBuilder().setKey(key).setValue(value)));
        lifetime.most().ifPresent(most -> sandbox.setMaxLifetime(duration(most)));
        lifetime.idle().ifPresent(idle -> sandbox.setIdleTimeout(duration(idle)));
        accelerator.ifPresent(chosen -> {
            switch (chosen) {
                case KVM ->
                    sandbox.setAccelerator(org.barchan.v1.Accelerator.ACCELERATOR_KVM)
                            .setIsolation(Isolation.ISOLATION_HARDWARE);
                case TCG ->
                    sandbox.setAccelerator(org.barchan.v1.Accelerator.ACCELERATOR_TCG)
                            .setIsolation(Isolation.ISOLATION_NONE);
            }
        });
        end.ifPresent(known -> sandbox.setTermination(known.termination()).setEndTime(timestamp(known.time())));
        return sandbox.build();
    }

    /** Returns one that lived, of what {@link #message} made of it. */
    static SandboxView of(Sandbox sandbox) {
        Timestamp created = sandbox.getCreateTime();
        return new SandboxView(
                        new SandboxId(sandbox.getId()),
                        new SandboxName(sandbox.getName()),
                        Phase.STOPPING,
                        switch (sandbox.getAccelerator()) {
                            case ACCELERATOR_KVM -> Optional.of(Accelerator.KVM);
                            case ACCELERATOR_TCG -> Optional.of(Accelerator.TCG);
                            default -> Optional.empty();
                        },
                        sandbox.getKernelRelease(),
                        Instant.ofEpochSecond(created.getSeconds(), created.getNanos()),
                        sandbox.getBootId(),
                        sandbox.getLinkEpochs(),
                        sandbox.getClientLostPolicy() == org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_KEEP
                                ? ClientLostPolicy.KEEP
                                : ClientLostPolicy.DELETE,
                        sandbox.getProcess(),
                        Optional.empty(),
                        sandbox.getPublishedPortsList().stream()
                                .map(port -> PublishedPort.of(
                                        port.getAddress(),
                                        port.getHostPort(),
                                        port.getProtocol() == PortProtocol.PORT_PROTOCOL_UDP
                                                ? new PortAddress.Udp(port.getPort())
                                                : new PortAddress.Tcp(port.getPort())))
                                .toList(),
                        new Labels(sandbox.getLabelsList().stream()
                                .collect(Collectors.toMap(Label::getKey, Label::getValue))),
                        new Lifetime(
                                sandbox.hasMaxLifetime()
                                        ? Optional.of(duration(sandbox.getMaxLifetime()))
                                        : Optional.empty(),
                                sandbox.hasIdleTimeout()
                                        ? Optional.of(duration(sandbox.getIdleTimeout()))
                                        : Optional.empty()))
                .endedIf(sandbox);
    }

    private SandboxView endedIf(Sandbox sandbox) {
        Timestamp time = sandbox.getEndTime();
        return sandbox.hasTermination()
                ? ended(sandbox.getTermination(), Instant.ofEpochSecond(time.getSeconds(), time.getNanos()))
                : this;
    }

    private static com.google.protobuf.Duration duration(Duration duration) {
        return com.google.protobuf.Duration.newBuilder()
                .setSeconds(duration.getSeconds())
                .setNanos(duration.getNano())
                .build();
    }

    private static Duration duration(com.google.protobuf.Duration duration) {
        return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }

    private static Timestamp timestamp(Instant instant) {
        long seconds = instant.getEpochSecond();
        int nanos = instant.getNano();
        return Timestamp.newBuilder().setSeconds(seconds).setNanos(nanos).build();
    }
}
