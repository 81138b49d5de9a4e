package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;

/**
 * The kernels of the host, and which of them can run a sandbox. What was read once is remembered for as long as the files'
 * stamps are the same. Safe for use by many threads.
 */
final class InstalledKernels {
    private static final String IMAGE_PREFIX = "vmlinuz-";
    private static final String PACKAGE = "linux-image-amd64";

    private final Path boot;
    private final Path modulesRoot;
    private final Map<Path, Remembered<KernelImage>> images = new ConcurrentHashMap<>();
    private final Map<Path, Remembered<ModulePlan>> plans = new ConcurrentHashMap<>();

    private record Remembered<T>(List<FileStamp> stamps, T value) {}

    /** A kernel that can run a sandbox. */
    record Kernel(KernelImage image, ModulePlan modules) {}

    InstalledKernels(Path boot, Path modulesRoot) {
        this.boot = boot;
        this.modulesRoot = modulesRoot;
    }

    /** Returns all of them, the newest first. */
    List<KernelReport> list() throws SandboxException {
        return images().stream().map(this::report).toList();
    }

    /** Returns the newest that can run a sandbox: one with 9p, which takes nothing else of the host, before one without. */
    Kernel newest() throws SandboxException {
        StringBuilder reasons = new StringBuilder();
        Optional<Kernel> withoutNinep = Optional.empty();
        for (Path path : images()) {
            try {
                Kernel kernel = examine(path, Optional.empty());
                if (kernel.modules().features().containsKey(Feature.NINEP)) {
                    return kernel;
                }
                withoutNinep = withoutNinep.or(() -> Optional.of(kernel));
            } catch (SandboxException e) {
                reasons.append("; ").append(e.getMessage());
            }
        }
        if (withoutNinep.isPresent()) {
            return withoutNinep.get();
        }
        throw new SandboxException(
                Code.PRECONDITION,
                "found no kernel in " + boot + " that can run a sandbox"
                        + (reasons.isEmpty() ? ": there is no " + IMAGE_PREFIX + "*" : reasons)
                        + "; install the package " + PACKAGE);
    }

    /** Returns the kernel of an image. */
    Kernel of(Path image, Optional<Path> modules) throws SandboxException {
        try {
            return examine(image.toAbsolutePath(), modules.map(Path::toAbsolutePath));
        } catch (SandboxException e) {
            if (e.code() == Code.INVALID) {
                throw e;
            }
            throw new SandboxException(e.code(), e.getMessage() + "; " + alternative(), e);
        }
    }

    private String alternative() throws SandboxException {
        String usable = list().stream()
                .filter(KernelReport::usable)
                .map(kernel -> kernel.release() + " (" + kernel.image() + ")")
                .collect(Collectors.joining(", "));
        return usable.isEmpty()
                ? "install the package " + PACKAGE + ", whose kernel does"
                : "this installed kernel does: " + usable;
    }

    private KernelReport report(Path path) {
        String release = path.getFileName().toString().substring(IMAGE_PREFIX.length());
        try {
            release = image(path).release();
            examine(path, Optional.empty());
            return new KernelReport(release, path, Optional.empty());
        } catch (SandboxException e) {
            return new KernelReport(release, path, Optional.of(String.valueOf(e.getMessage())));
        }
    }

    private List<Path> images() throws SandboxException {
        try (Stream<Path> files = Files.list(boot)) {
            return files.filter(path -> path.getFileName().toString().startsWith(IMAGE_PREFIX))
                    .sorted(Comparator.comparing(
                                    (Path path) -> path.getFileName().toString(), new ReleaseOrder())
                            .reversed())
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new SandboxException(
                    Code.PRECONDITION, "cannot list the kernels in " + boot + ": " + e.getMessage(), e);
        }
    }

    private Kernel examine(Path path, Optional<Path> givenModules) throws SandboxException {
        KernelImage image = image(path);
        Path directory = givenModules.orElseGet(() -> modulesRoot.resolve(image.release()));
        String subject = "kernel " + image.release() + " (" + path + ") cannot run a sandbox: ";
        ModulePlan plan;
        try {
            plan = plan(directory);
        } catch (NoSuchFileException e) {
            throw new SandboxException(
                    givenModules.isPresent() ? Code.INVALID : Code.PRECONDITION,
                    subject
                            + (Files.isDirectory(directory)
                                    ? directory + " has no modules.dep; run depmod " + image.release()
                                    : "there is no directory " + directory
                                            + " of its modules; install the package linux-image-" + image.release()
                                            + ", or name the directory that holds them"),
                    e);
        } catch (IOException e) {
            throw new SandboxException(Code.PRECONDITION, subject + e.getMessage(), e);
        }
        if (!plan.missing().isEmpty()) {
            throw new SandboxException(
                    Code.PRECONDITION,
                    subject + "it lacks the module" + (plan.missing().size() > 1 ? "s " : " ")
                            + String.join(", ", plan.missing()) + " (not in " + directory
                            + "), without which the guest has no link, or can't mount the host's directories (for that, 9p or"
                            + " virtiofs will do)");
        }
        return new Kernel(image, plan);
    }

    private KernelImage image(Path path) throws SandboxException {
        try {
            List<FileStamp> stamps = List.of(FileStamp.of(path));
            Remembered<KernelImage> known = images.get(path);
            if (known != null && known.stamps().equals(stamps)) {
                return known.value();
            }
            KernelImage image = KernelImage.read(path);
            if (stamps.getFirst().settled()) {
                images.put(path, new Remembered<>(stamps, image));
            }
            return image;
        } catch (IOException e) {
            // Reading it says what is wrong with it.
            return KernelImage.read(path);
        }
    }

    private ModulePlan plan(Path directory) throws IOException {
        List<FileStamp> stamps = Stream.concat(
                        Stream.of(FileStamp.of(directory.resolve(ModulePlan.DEPENDENCIES))),
                        stampIfThere(directory.resolve(ModulePlan.BUILT_IN)).stream())
                .toList();
        Remembered<ModulePlan> known = plans.get(directory);
        if (known != null && known.stamps().equals(stamps)) {
            return known.value();
        }
        ModulePlan plan = ModulePlan.of(directory);
        if (stamps.stream().allMatch(FileStamp::settled)) {
            plans.put(directory, new Remembered<>(stamps, plan));
        }
        return plan;
    }

    private static Optional<FileStamp> stampIfThere(Path file) throws IOException {
        try {
            return Optional.of(FileStamp.of(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
