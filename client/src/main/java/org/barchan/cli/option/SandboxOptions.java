package org.barchan.cli.option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.barchan.client.Accelerator;
import org.barchan.client.Mount;
import org.barchan.client.MountMode;
import org.barchan.client.RawText;
import org.barchan.client.SandboxSpec;
import org.barchan.client.Transport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a sandbox is made of. */
public final class SandboxOptions {
    private static final String BOOT = "/boot/vmlinuz-";
    private static final String MODULES = "/lib/modules";

    @Option(
            names = {"-n", "--name"},
            paramLabel = "NAME",
            converter = NameConverter.class,
            description = "Name of the sandbox and host name of its guest. By default one is generated.")
    private @Nullable String name;

    @Option(
            names = "--label",
            paramLabel = "KEY[=VALUE]",
            converter = LabelOption.Converter.class,
            description = "A word of your own about the sandbox, by which 'barchan list --filter' finds it."
                    + " Repeatable, the last one of a key counts.")
    private List<LabelOption> labels = new ArrayList<>();

    @Option(
            names = "--max-lifetime",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description =
                    "End the sandbox this time after it was asked for (as --timeout), also if its agent has gone meanwhile."
                            + " Exit status 124.")
    private @Nullable Duration maxLifetime;

    @Option(
            names = "--idle-timeout",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description =
                    "With --keep or --detach: end the sandbox when it was not in use for this time: no client runs it, has attached"
                            + " to it, is connected to a port of it or copies its files, and no other command runs in it.")
    private @Nullable Duration idleTimeout;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = MemoryConverter.class,
            description = "Memory of the guest: bytes, or with K, M, G (powers of 1024). By default 512M.")
    private @Nullable Long memory;

    @Option(
            names = "--vcpus",
            paramLabel = "COUNT",
            converter = VcpusConverter.class,
            description = "Number of virtual CPUs, 1 to 255. By default 1.")
    private @Nullable Integer vcpus;

    @Option(
            names = {"-r", "--root"},
            paramLabel = "DIR",
            description = "Directory of the host that becomes the sandbox's root. By default /.")
    private @Nullable String root;

    @Option(
            names = "--root-mode",
            paramLabel = "MODE",
            description =
                    "What can be written to the root: ro (nothing, the default), or overlay (anything, to memory),"
                            + " or scratch (anything, to a temporary file of the host); overlay=SIZE, scratch=SIZE: that much at most.")
    private @Nullable String rootMode;

    @Option(
            names = "--expose-host-root",
            description =
                    "Show the sandbox what is secret in the host's root, too, as far as QEMU's user may read it:"
                            + " password hashes, keys, other users' homes, what services keep. By default such places look empty.")
    private boolean exposeHostRoot;

    @Option(
            names = "--root-transport",
            paramLabel = "KIND",
            converter = TransportConverter.class,
            completionCandidates = TransportConverter.class,
            description =
                    "By what the root gets into the guest: auto (the default: what kernel and host have), 9p or virtiofs.")
    private Transport rootTransport = Transport.AUTO;

    @Option(
            names = {"-m", "--mount"},
            paramLabel = "MOUNT",
            description =
                    "What the sandbox sees at a place of its own; may be given more than once, and is mounted in that order:"
                            + " type=bind,src=PATH,dst=PATH[,ro|rw|overlay|scratch], a directory or file of the host (ro by default),"
                            + " with size=SIZE of an overlay, transport=KIND;"
                            + " type=image,src=FILE,dst=PATH, with the same modes and format=raw or qcow2, the file system in an"
                            + " image, which becomes the root with dst=/;"
                            + " type=tmpfs,dst=DIR[,size=SIZE][,mode=OCTAL];"
                            + " type=guest-bind,src=PATH,dst=PATH[,ro], what the sandbox has elsewhere.")
    private List<String> mounts = new ArrayList<>();

    @Option(
            names = "--disk",
            paramLabel = "DISK",
            description =
                    "A disk, /dev/disk/by-tag/TAG in the sandbox: tag=TAG,src=FILE[,ro|rw][,format=raw|qcow2]. It is ro by"
                            + " default, and belongs to the command's user. May be given more than once.")
    private List<String> disks = new ArrayList<>();

    @Option(
            names = {"-i", "--include"},
            paramLabel = "PATH[=SOURCE]",
            description =
                    "A copy of a file or directory of the host, of the same path unless SOURCE says another, at a place of the"
                            + " sandbox: what is written to it is gone with the sandbox. May be given more than once.")
    private List<String> includes = new ArrayList<>();

    @Option(
            names = {"-I", "--include-file"},
            paramLabel = "FILE",
            description =
                    "A file with an --include on each line; empty lines and those that begin with # count for nothing.")
    private List<String> includeFiles = new ArrayList<>();

    @Option(
            names = "--kernel",
            paramLabel = "FILE",
            description = "Kernel to boot (bzImage or vmlinux). By default the newest usable one below /boot.")
    private @Nullable String kernel;

    @Option(
            names = "--kernel-modules",
            paramLabel = "DIR",
            description = "Directory of the kernel's modules. By default /lib/modules/RELEASE.")
    private @Nullable String kernelModules;

    @Option(
            names = "--kernel-release",
            paramLabel = "RELEASE",
            description = "Kernel to boot, by what 'barchan kernels' calls it: /boot/vmlinuz-RELEASE.")
    private @Nullable String kernelRelease;

    @Option(
            names = "--kernel-arg",
            paramLabel = "PARAMETER",
            description = "A further parameter of the guest's kernel, for example nosmt; may be given more than once.")
    private List<String> kernelArguments = new ArrayList<>();

    /** As virt-sandbox(1) had them. */
    @Option(names = "--kernpath", hidden = true)
    private @Nullable String kernpath;

    @Option(names = "--kernver", hidden = true)
    private @Nullable String kernver;

    @Option(names = "--kmodpath", hidden = true)
    private @Nullable String kmodpath;

    @Option(
            names = "--accel",
            paramLabel = "KIND",
            converter = AcceleratorConverter.class,
            completionCandidates = AcceleratorConverter.class,
            description = "auto (the default: KVM where it is proved to work, else TCG), kvm or tcg.")
    private Accelerator accelerator = Accelerator.AUTO;

    @Option(
            names = {"-c", "--connect"},
            paramLabel = "URI",
            description = "libvirt connection: qemu:///embed (the default), qemu:///system or qemu:///session;"
                    + " the latter two also with ?socket=PATH.")
    private @Nullable String connect;

    /**
     * Returns what the options say.
     *
     * @param absolute makes a path absolute
     * @param debug see {@link SandboxSpec#debug}
     * @param fromTemplate see {@link SandboxSpec#fromTemplate}
     * @throws IllegalArgumentException if a value is wrong
     */
    public SandboxSpec toSpec(UnaryOperator<String> absolute, boolean debug, boolean fromTemplate) {
        SandboxSpec.Builder spec = SandboxSpec.builder()
                .exposeHostRoot(exposeHostRoot)
                .rootTransport(rootTransport)
                .accelerator(accelerator)
                .debug(debug)
                .fromTemplate(fromTemplate);
        if (name != null) {
            spec.name(name);
        }
        if (maxLifetime != null) {
            spec.maxLifetime(maxLifetime);
        }
        if (idleTimeout != null) {
            spec.idleTimeout(idleTimeout);
        }
        labels.forEach(label -> spec.label(label.key(), label.value()));
        if (memory != null) {
            spec.memoryBytes(memory);
        }
        if (vcpus != null) {
            spec.vcpus(vcpus);
        }
        if (root != null) {
            spec.rootDirectory(absolute.apply(path("--root", root)));
        }
        if (rootMode != null) {
            setRootMode(spec, rootMode);
        }
        mounts.forEach(mount -> spec.mount(MountOption.parse(mount, absolute)));
        disks.forEach(disk -> spec.disk(DiskOption.parse(disk, absolute)));
        includes.forEach(include -> spec.mount(include("--include", include, absolute)));
        includeFiles.forEach(file ->
                lines(file, absolute).forEach(line -> spec.mount(include("--include-file " + file, line, absolute))));
        kernelArguments.forEach(spec::kernelArgument);
        setKernel(spec, absolute);
        if (connect != null) {
            spec.libvirtUri(connect);
        }
        return spec.build();
    }

    /** A copy in memory is made of what is written to, when it is written to. */
    private static Mount include(String option, String text, UnaryOperator<String> absolute) {
        int equals = text.indexOf('=');
        String target = equals < 0 ? text : text.substring(0, equals);
        if (!target.startsWith("/")) {
            throw new IllegalArgumentException("invalid value for option '" + option + "': '" + text
                    + "' (expected: PATH or PATH=SOURCE, with an absolute path in the sandbox)");
        }
        return new Mount.HostDirectory(
                target,
                absolute.apply(equals < 0 ? text : path(option, text.substring(equals + 1))),
                MountMode.OVERLAY,
                OptionalLong.empty(),
                Transport.AUTO);
    }

    private static List<String> lines(String file, UnaryOperator<String> absolute) {
        try {
            // Names of files are bytes.
            byte[] bytes = Files.readAllBytes(Path.of(absolute.apply(path("--include-file", file))));
            return RawText.decode(bytes)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "invalid value for option '--include-file': '" + file + "': "
                            + (e instanceof NoSuchFileException ? "there is no such file" : e.getMessage())
                            + " (expected: a file with PATH or PATH=SOURCE on each line)",
                    e);
        }
    }

    private void setKernel(SandboxSpec.Builder spec, UnaryOperator<String> absolute) {
        String release = kernelRelease == null ? kernver : kernelRelease;
        String image = kernel == null ? kernpath : kernel;
        if (image != null) {
            spec.kernelImage(absolute.apply(path("--kernel", image)));
        } else if (release != null) {
            if (release.isEmpty() || release.contains("/")) {
                throw new IllegalArgumentException("invalid value for option '--kernel-release': '" + release
                        + "' (expected: a release, as 'barchan kernels' lists them)");
            }
            spec.kernelImage(BOOT + release);
        }
        if (kernelModules != null) {
            spec.kernelModules(absolute.apply(path("--kernel-modules", kernelModules)));
        } else if (release != null && (image != null || kmodpath != null)) {
            spec.kernelModules(
                    absolute.apply(kmodpath == null ? MODULES : path("--kmodpath", kmodpath)) + "/" + release);
        } else if (kmodpath != null) {
            throw new IllegalArgumentException(
                    "--kmodpath needs --kernver, whose modules it holds; or name their directory with --kernel-modules");
        }
    }

    private static void setRootMode(SandboxSpec.Builder spec, String value) {
        String problem = "invalid value for option '--root-mode': '" + value
                + "' (expected: ro, overlay or scratch, the latter two also with =SIZE)";
        int equals = value.indexOf('=');
        switch (equals < 0 ? value : value.substring(0, equals)) {
            case "ro" -> {
                if (equals >= 0) {
                    throw new IllegalArgumentException(problem);
                }
                spec.rootMode(MountMode.READ_ONLY);
            }
            case "overlay", "scratch" -> {
                spec.rootMode(value.startsWith("overlay") ? MountMode.OVERLAY : MountMode.SCRATCH);
                if (equals >= 0) {
                    spec.rootOverlayBytes(Size.parse(value.substring(equals + 1)));
                }
            }
            default -> throw new IllegalArgumentException(problem);
        }
    }

    static String path(String option, String value) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("invalid value for option '" + option + "': empty (expected: a path)");
        }
        return value;
    }
}
