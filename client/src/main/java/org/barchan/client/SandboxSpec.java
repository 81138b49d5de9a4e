package org.barchan.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * What a sandbox is made of. What is empty takes the agent's default.
 *
 * @param name unique among the live sandboxes: 1 to 63 of a-z, 0-9, "-", beginning and ending with a letter or digit
 * @param rootDirectory directory of the host that becomes its root; absolute; by default "/"
 * @param rootMode what can be written to that: read-only, an overlay or scratch
 * @param rootOverlayBytes most bytes that are written to that overlay; by default half of the guest's memory
 * @param exposeHostRoot whether it sees what is secret in the host's "/", where it has that
 * @param rootTransport by what its root gets into the guest
 * @param mounts what it sees elsewhere, in the order in which it is mounted
 * @param disks its disks
 * @param memoryBytes memory of the guest, at least 128 MiB; by default 512 MiB
 * @param vcpus number of virtual CPUs, 1 to 255; by default 1
 * @param kernelImage path of the kernel on the host; by default the newest usable one below /boot
 * @param kernelModules path of the kernel's module directory on the host; by default /lib/modules/RELEASE
 * @param kernelArguments further parameters of the guest's kernel, one each
 * @param accelerator what runs the guest's instructions
 * @param libvirtUri libvirt connection; by default "qemu:///embed"
 * @param debug whether the guest's kernel and init write their messages to the console
 * @param labels words of one's own about it, by which it is found: {@link SandboxFilter}. At most 64, 4 KiB together
 * @param maxLifetime how long after it was asked for it is ended, in order, if it has not ended by then
 * @param idleTimeout how long it may be out of use before it is ended in the same way, where it outlives its client: no client runs it, has
 *     attached to it, is connected to a port of it or uses its files, and nothing but the process that it was made for runs in it
 * @param fromTemplate whether its guest goes on from a template where the agent has one, and one is made where it has none; else it boots
 */
public record SandboxSpec(
        Optional<String> name,
        Optional<String> rootDirectory,
        MountMode rootMode,
        OptionalLong rootOverlayBytes,
        boolean exposeHostRoot,
        Transport rootTransport,
        List<Mount> mounts,
        List<Disk> disks,
        OptionalLong memoryBytes,
        OptionalInt vcpus,
        Optional<String> kernelImage,
        Optional<String> kernelModules,
        List<String> kernelArguments,
        Accelerator accelerator,
        Optional<String> libvirtUri,
        boolean debug,
        boolean fromTemplate,
        Map<String, String> labels,
        Optional<Duration> maxLifetime,
        Optional<Duration> idleTimeout) {
    /** The least memory that a guest boots with, in bytes. */
    public static final long MINIMUM_MEMORY_BYTES = 128L << 20;

    private static final long MAXIMUM_MEMORY_BYTES = 64L << 40;
    private static final int MAXIMUM_VCPUS = 255;
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    private static final Pattern LABEL_KEY = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?");

    /** A sandbox of defaults. */
    public static final SandboxSpec DEFAULT = builder().build();

    /** @throws IllegalArgumentException if a value is out of its range */
    public SandboxSpec {
        name.ifPresent(SandboxSpec::checkName);
        rootDirectory.ifPresent(path -> ProcessSpec.checkAbsolute("root directory", path));
        mounts = List.copyOf(mounts);
        disks = List.copyOf(disks);
        kernelArguments = List.copyOf(kernelArguments);
        labels = Collections.unmodifiableMap(new LinkedHashMap<>(labels));
        labels.forEach((key, value) -> {
            checkLabelKey(key);
            checkLabelValue(value);
        });
        maxLifetime.ifPresent(limit -> checkPositive("longest life", limit));
        idleTimeout.ifPresent(limit -> checkPositive("longest time out of use", limit));
        if (rootMode == MountMode.READ_WRITE) {
            throw new IllegalArgumentException("root mode: read-write (expected: read-only, overlay or scratch)");
        }
        if (rootOverlayBytes.isPresent() && !rootMode.isOverlay()) {
            throw new IllegalArgumentException("root overlay: a size without an overlay (expected: both, or neither)");
        }
        kernelImage.ifPresent(path -> ProcessSpec.checkAbsolute("kernel image", path));
        kernelModules.ifPresent(path -> ProcessSpec.checkAbsolute("kernel modules", path));
        memoryBytes.ifPresent(SandboxSpec::checkMemory);
        vcpus.ifPresent(SandboxSpec::checkVcpus);
        libvirtUri.filter(String::isEmpty).ifPresent(uri -> {
            throw new IllegalArgumentException("libvirt URI: empty (expected: for example qemu:///system)");
        });
    }

    public static Builder builder() {
        return new Builder();
    }

    /** @throws IllegalArgumentException if it is no sandbox's name */
    public static void checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "'" + name
                            + "' is no sandbox name (expected: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit)");
        }
    }

    private static void checkPositive(String what, Duration limit) {
        if (!limit.isPositive()) {
            throw new IllegalArgumentException(what + ": " + limit + " (expected: longer than 0)");
        }
    }

    /** @throws IllegalArgumentException if it is no label's key */
    public static void checkLabelKey(String key) {
        if (!LABEL_KEY.matcher(key).matches()) {
            throw new IllegalArgumentException(
                    "'" + key
                            + "' is no key of a label (expected: 1 to 128 of a-z, A-Z, 0-9, '.', '_', '-', '/', beginning and ending with a letter or digit)");
        }
    }

    /** @throws IllegalArgumentException if it is no label's value */
    public static void checkLabelValue(String value) {
        if (RawText.hasBytes(value) || value.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "the value of a label is no text (expected: UTF-8 without control characters)");
        }
    }

    /** @throws IllegalArgumentException if a guest can't have that memory */
    public static void checkMemory(long bytes) {
        if (bytes < MINIMUM_MEMORY_BYTES || bytes > MAXIMUM_MEMORY_BYTES) {
            throw new IllegalArgumentException("memory of " + bytes + " bytes (expected: 128M to 64T)");
        }
    }

    /** @throws IllegalArgumentException if a guest can't have that number of CPUs */
    public static void checkVcpus(long vcpus) {
        if (vcpus < 1 || vcpus > MAXIMUM_VCPUS) {
            throw new IllegalArgumentException(vcpus + " virtual CPUs (expected: 1 to " + MAXIMUM_VCPUS + ")");
        }
    }

    /** Collects the values of a {@link SandboxSpec}. Not thread-safe. */
    public static final class Builder {
        private Optional<String> name = Optional.empty();
        private Optional<String> rootDirectory = Optional.empty();
        private MountMode rootMode = MountMode.READ_ONLY;
        private OptionalLong rootOverlayBytes = OptionalLong.empty();
        private final List<Mount> mounts = new ArrayList<>();
        private final List<Disk> disks = new ArrayList<>();
        private OptionalLong memoryBytes = OptionalLong.empty();
        private OptionalInt vcpus = OptionalInt.empty();
        private Optional<String> kernelImage = Optional.empty();
        private Optional<String> kernelModules = Optional.empty();
        private final List<String> kernelArguments = new ArrayList<>();
        private Accelerator accelerator = Accelerator.AUTO;
        private Optional<String> libvirtUri = Optional.empty();
        private boolean debug;
        private boolean fromTemplate = true;
        private boolean exposeHostRoot;
        private Transport rootTransport = Transport.AUTO;
        private final Map<String, String> labels = new LinkedHashMap<>();
        private Optional<Duration> maxLifetime = Optional.empty();
        private Optional<Duration> idleTimeout = Optional.empty();

        private Builder() {}

        public Builder name(String value) {
            name = Optional.of(value);
            return this;
        }

        public Builder rootDirectory(String value) {
            rootDirectory = Optional.of(value);
            return this;
        }

        public Builder rootMode(MountMode value) {
            rootMode = value;
            return this;
        }

        public Builder rootOverlayBytes(long value) {
            rootOverlayBytes = OptionalLong.of(value);
            return this;
        }

        public Builder exposeHostRoot(boolean value) {
            exposeHostRoot = value;
            return this;
        }

        public Builder rootTransport(Transport value) {
            rootTransport = value;
            return this;
        }

        /** Adds a mount, behind those that are there. */
        public Builder mount(Mount value) {
            mounts.add(value);
            return this;
        }

        /** Adds a disk, behind those that are there. */
        public Builder disk(Disk value) {
            disks.add(value);
            return this;
        }

        public Builder memoryBytes(long value) {
            memoryBytes = OptionalLong.of(value);
            return this;
        }

        public Builder vcpus(int value) {
            vcpus = OptionalInt.of(value);
            return this;
        }

        public Builder kernelImage(String value) {
            kernelImage = Optional.of(value);
            return this;
        }

        public Builder kernelModules(String value) {
            kernelModules = Optional.of(value);
            return this;
        }

        /** Adds a parameter, behind those that are there. */
        public Builder kernelArgument(String value) {
            kernelArguments.add(value);
            return this;
        }

        public Builder accelerator(Accelerator value) {
            accelerator = value;
            return this;
        }

        public Builder libvirtUri(String value) {
            libvirtUri = Optional.of(value);
            return this;
        }

        public Builder debug(boolean value) {
            debug = value;
            return this;
        }

        public Builder fromTemplate(boolean value) {
            fromTemplate = value;
            return this;
        }

        /** Sets a label, over an earlier value of it. */
        public Builder label(String key, String value) {
            labels.put(key, value);
            return this;
        }

        public Builder maxLifetime(Duration value) {
            maxLifetime = Optional.of(value);
            return this;
        }

        public Builder idleTimeout(Duration value) {
            idleTimeout = Optional.of(value);
            return this;
        }

        /** @throws IllegalArgumentException if a value is out of its range */
        public SandboxSpec build() {
            return new SandboxSpec(
                    name,
                    rootDirectory,
                    rootMode,
                    rootOverlayBytes,
                    exposeHostRoot,
                    rootTransport,
                    mounts,
                    disks,
                    memoryBytes,
                    vcpus,
                    kernelImage,
                    kernelModules,
                    kernelArguments,
                    accelerator,
                    libvirtUri,
                    debug,
                    fromTemplate,
                    labels,
                    maxLifetime,
                    idleTimeout);
        }
    }
}
