package org.barchan.host.api;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.RunOrder;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelArgument;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.LibvirtUri;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.BuildTemplateRequest;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.RunStart;

/** Makes an order of a {@code RunStart}, or what a template is to be for, or a list of all that is wrong with it. For one use. */
final class RunStartParser {
    private static final String START = "start.";

    static final String SANDBOX = START + "sandbox.";

    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private final List<StatusMapping.Violation> violations = new ArrayList<>();

    /** Returns the order; throws the status that names all violations. */
    RunOrder parse(RunStart start, HostUser client) {
        ProcessSpec process = start.getProcess();
        Optional<java.time.Duration> timeout = new ProcessParser("start.process.", this::wrong).timeout(process);
        ClientLostPolicy policy = new KeptParser(START, this::wrong).policy(start.getClientLostPolicyValue());
        SandboxSpec spec = spec(start.getSandbox(), policy);
        RunOrder.Kept kept = kept(start, policy);
        List<PublishedPort> published = published(start);
        Labels labels = parsed(SANDBOX + "labels", () -> labels(start.getSandbox()), () -> Labels.NONE);
        Lifetime lifetime = lifetime(start.getSandbox(), policy);
        if (!violations.isEmpty()) {
            throw StatusMapping.of(violations);
        }
        return new RunOrder(
                spec,
                process,
                timeout,
                client,
                start.getExportChanges(),
                start.getAwaitHalfClose(),
                kept,
                published,
                labels,
                lifetime);
    }

    private Lifetime lifetime(org.barchan.v1.SandboxSpec sandbox, ClientLostPolicy policy) {
        if (sandbox.hasIdleTimeout() && policy != ClientLostPolicy.KEEP) {
            wrong(
                    SANDBOX + "idle_timeout",
                    "set with a client_lost_policy by which it is in use as long as it lives (expected: CLIENT_LOST_POLICY_KEEP)");
        }
        return new Lifetime(
                sandbox.hasMaxLifetime()
                        ? Optional.of(
                                ProcessParser.duration(SANDBOX + "max_lifetime", sandbox.getMaxLifetime(), this::wrong))
                        : Optional.empty(),
                sandbox.hasIdleTimeout()
                        ? Optional.of(
                                ProcessParser.duration(SANDBOX + "idle_timeout", sandbox.getIdleTimeout(), this::wrong))
                        : Optional.empty());
    }

    private static Labels labels(org.barchan.v1.SandboxSpec sandbox) {
        Map<String, String> labels = new HashMap<>();
        sandbox.getLabelsList().forEach(label -> {
            if (labels.put(label.getKey(), label.getValue()) != null) {
                throw new IllegalArgumentException("two of the key '" + label.getKey() + "' (expected: one)");
            }
        });
        return new Labels(labels);
    }

    private List<PublishedPort> published(RunStart start) {
        if (start.getPublishedPortsCount() > PublishedPort.MAX) {
            wrong(
                    "start.published_ports",
                    start.getPublishedPortsCount() + " of them (expected: at most " + PublishedPort.MAX + ")");
            return List.of();
        }
        List<PublishedPort> published = new ArrayList<>();
        for (org.barchan.v1.PublishedPort port : start.getPublishedPortsList()) {
            try {
                PortAddress.Numbered target = switch (port.getProtocol()) {
                    case PORT_PROTOCOL_UDP -> new PortAddress.Udp(port.getPort());
                    case PORT_PROTOCOL_TCP, PORT_PROTOCOL_UNSPECIFIED -> new PortAddress.Tcp(port.getPort());
                    case UNRECOGNIZED ->
                        throw new IllegalArgumentException(
                                "protocol " + port.getProtocolValue() + " (expected: TCP or UDP)");
                };
                published.add(PublishedPort.of(port.getAddress(), port.getHostPort(), target));
            } catch (IllegalArgumentException e) {
                wrong("start.published_ports[" + published.size() + "]", String.valueOf(e.getMessage()));
                return List.of();
            }
        }
        return published;
    }

    private RunOrder.Kept kept(RunStart start, ClientLostPolicy policy) {
        if (start.getDetach() && (start.getExportChanges() || start.getAwaitHalfClose())) {
            wrong(
                    "start.detach",
                    "true with export_changes or await_half_close (expected: a client that stays for them)");
        }
        RunOrder.Kept kept = new KeptParser(START, this::wrong)
                .parse(
                        policy,
                        start.getDetach(),
                        start.hasLog() ? Optional.of(start.getLog()) : Optional.empty(),
                        start.getDeleteWhenEnded(),
                        start.getStdinOpen());
        return start.getRequestId().isEmpty() ? kept : kept.requested(request(start, policy));
    }

    private RunOrder.Request request(RunStart start, ClientLostPolicy policy) {
        String field = START + "request_id";
        if (policy != ClientLostPolicy.KEEP || start.getExportChanges() || start.getAwaitHalfClose()) {
            wrong(
                    field,
                    "set with "
                            + (policy != ClientLostPolicy.KEEP
                                    ? "a client_lost_policy that keeps nothing"
                                    : "export_changes or await_half_close")
                            + " (expected: an order that can be joined)");
        }
        if (!REQUEST_ID.matcher(start.getRequestId()).matches()) {
            wrong(field, "'" + start.getRequestId() + "' (expected: 1 to 64 of a-z, A-Z, 0-9, '-' and '_')");
        }
        return new RunOrder.Request(
                start.getRequestId(),
                OrderDigest.of(start.toBuilder().clearRequestId().build()));
    }

    /** Returns the sandboxes that a template is for; throws the status that names all violations. */
    SandboxSpec parse(BuildTemplateRequest request) {
        SandboxSpec spec = spec(request.getSandbox(), ClientLostPolicy.DELETE);
        if (!violations.isEmpty()) {
            throw StatusMapping.of(violations.stream()
                    .map(violation -> new StatusMapping.Violation(
                            violation.field().substring(START.length()), violation.problem()))
                    .toList());
        }
        return spec;
    }

    private SandboxSpec spec(org.barchan.v1.SandboxSpec sandbox, ClientLostPolicy policy) {
        SandboxName name = parsed(
                SANDBOX + "name",
                () -> sandbox.hasName() ? new SandboxName(sandbox.getName()) : generatedName(),
                RunStartParser::generatedName);
        MemorySize memory = parsed(
                SANDBOX + "memory_bytes",
                () -> sandbox.hasMemoryBytes() ? new MemorySize(sandbox.getMemoryBytes()) : MemorySize.DEFAULT,
                () -> MemorySize.DEFAULT);
        MountParser mounts = new MountParser(this::wrong);
        int vcpus = sandbox.hasVcpus() ? sandbox.getVcpus() : 1;
        if (vcpus < 1 || vcpus > 255) {
            wrong(SANDBOX + "vcpus", Integer.toUnsignedString(vcpus) + " (expected: 1 to 255)");
            vcpus = 1;
        }
        return new SandboxSpec(
                name,
                mounts.root(sandbox),
                sandbox.getExposeHostRoot(),
                mounts.mounts(sandbox),
                mounts.disks(sandbox),
                memory,
                vcpus,
                kernel(sandbox),
                kernelArguments(sandbox),
                accelerator(sandbox),
                uri(sandbox),
                sandbox.getDebug(),
                !sandbox.getNoTemplate(),
                policy);
    }

    private KernelChoice kernel(org.barchan.v1.SandboxSpec sandbox) {
        if (!sandbox.hasKernelImage()) {
            if (sandbox.hasKernelModules()) {
                wrong(SANDBOX + "kernel_modules", "set without kernel_image (expected: both, or neither)");
            }
            return new KernelChoice.Newest();
        }
        Path image = path(SANDBOX + "kernel_image", sandbox.getKernelImage());
        return sandbox.hasKernelModules()
                ? KernelChoice.Image.of(image, path(SANDBOX + "kernel_modules", sandbox.getKernelModules()))
                : KernelChoice.Image.of(image);
    }

    private List<KernelArgument> kernelArguments(org.barchan.v1.SandboxSpec sandbox) {
        List<KernelArgument> arguments = new ArrayList<>();
        int size = 0;
        for (int i = 0; i < sandbox.getKernelArgumentsCount(); i++) {
            String text = sandbox.getKernelArguments(i);
            size += text.length() + 1;
            try {
                arguments.add(new KernelArgument(text));
            } catch (IllegalArgumentException e) {
                wrong(SANDBOX + "kernel_arguments[" + i + "]", String.valueOf(e.getMessage()));
            }
        }
        if (size > KernelArgument.MAX_BYTES) {
            wrong(SANDBOX + "kernel_arguments", size + " bytes (expected: at most " + KernelArgument.MAX_BYTES + ")");
            return List.of();
        }
        return arguments;
    }

    private AcceleratorChoice accelerator(org.barchan.v1.SandboxSpec sandbox) {
        return switch (sandbox.getAccelerator()) {
            case ACCELERATOR_UNSPECIFIED, ACCELERATOR_AUTO -> AcceleratorChoice.AUTO;
            case ACCELERATOR_KVM -> AcceleratorChoice.KVM;
            case ACCELERATOR_TCG -> AcceleratorChoice.TCG;
            case UNRECOGNIZED -> {
                wrong(SANDBOX + "accelerator", unknown(sandbox.getAcceleratorValue()));
                yield AcceleratorChoice.AUTO;
            }
        };
    }

    /** Only this host's QEMU: the sockets of a sandbox on another are out of reach. */
    private String uri(org.barchan.v1.SandboxSpec sandbox) {
        String uri = sandbox.hasLibvirtUri() ? sandbox.getLibvirtUri() : Hypervisors.DEFAULT_URI;
        try {
            var _ = LibvirtUri.parse(uri);
        } catch (IllegalArgumentException e) {
            wrong(SANDBOX + "libvirt_uri", String.valueOf(e.getMessage()));
        }
        return uri;
    }

    private Path path(String field, ByteString bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
            Path path = Path.of(text);
            if (path.isAbsolute()) {
                return path.normalize();
            }
            wrong(field, "'" + text + "' (expected: an absolute path)");
        } catch (CharacterCodingException | InvalidPathException e) {
            wrong(field, "'" + bytes.toStringUtf8() + "' (expected: a path in UTF-8 without NUL)");
        }
        return Path.of("/");
    }

    private <T> T parsed(String field, Supplier<T> parse, Supplier<T> otherwise) {
        try {
            return parse.get();
        } catch (IllegalArgumentException e) {
            wrong(field, String.valueOf(e.getMessage()));
            return otherwise.get();
        }
    }

    private void wrong(String field, String problem) {
        violations.add(new StatusMapping.Violation(field, problem));
    }

    static String unknown(int number) {
        return number + " (expected: a value that this agent knows; it may be older than the client)";
    }

    private static SandboxName generatedName() {
        return new SandboxName("run-" + SandboxId.random().value().substring(2));
    }
}
