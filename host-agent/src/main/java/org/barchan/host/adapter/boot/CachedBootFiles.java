package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.barchan.host.adapter.boot.InstalledKernels.Kernel;
import org.barchan.host.adapter.boot.ProductStore.Product;
import org.barchan.host.port.BootFiles;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;

/**
 * Boot files from the host's kernels, each made once and kept below the state directory. A kernel is kept as a vmlinux with a PVH
 * entry, which spares the guest the firmware and its own decompression, or as it is where that can't be had.
 *
 * <p>Safe for use by many threads, and by many agents with one state directory.
 */
public final class CachedBootFiles implements BootFiles {
    /** Part of each key: changes with the form of what is made. */
    private static final String FORMAT = "1";

    private final Path directory;
    private final Path guestTree;
    private final InstalledKernels kernels;
    private final DigestIndex digests;
    private final ProductStore products;

    /**
     * Creates it without touching a file.
     *
     * @param stateDirectory where the directory {@code boot} is made when needed; other users must be able to pass through it
     * @param guestTree what is to be at the root of the initrd, with {@code init} in it
     */
    public CachedBootFiles(Path stateDirectory, Path guestTree) {
        this(stateDirectory, guestTree, Path.of("/boot"), Path.of("/lib/modules"));
    }

    CachedBootFiles(Path stateDirectory, Path guestTree, Path boot, Path modulesRoot) {
        this.directory = stateDirectory.toAbsolutePath().resolve("boot");
        this.guestTree = guestTree.toAbsolutePath();
        this.kernels = new InstalledKernels(boot, modulesRoot);
        this.digests = new DigestIndex(directory.resolve("digests"));
        this.products = new ProductStore(directory);
    }

    /**
     * Returns the kernels in {@code /boot}, the newest first, each with what keeps it from running a sandbox.
     *
     * @throws SandboxException {@code PRECONDITION} if {@code /boot} can't be read
     */
    public List<KernelReport> kernels() throws SandboxException {
        return kernels.list();
    }

    @Override
    public BootFileSet prepare(KernelChoice choice, boolean disks, Consumer<String> progress) throws SandboxException {
        Kernel kernel = switch (choice) {
            case KernelChoice.Newest _ -> kernels.newest();
            case KernelChoice.Image image -> kernels.of(image.image(), image.modules());
        };
        try {
            createDirectory();
            Product image = kernelProduct(kernel.image(), progress);
            ModulePlan plan = disks ? kernel.modules() : kernel.modules().withoutDisks();
            Product initrd = initrdProduct(kernel.image().release(), plan);
            digests.save();
            Map<Feature, List<String>> modules = new EnumMap<>(Feature.class);
            plan.features().forEach((feature, files) -> modules.put(feature, fileNames(files)));
            Sha256 digest = new Sha256()
                    .add(kernel.image().release())
                    .add(image.digest())
                    .add(initrd.digest());
            modules.values().forEach(names -> names.forEach(digest::add));
            return new BootFileSet(
                    kernel.image().release(), image.path(), initrd.path(), modules, digest.finish(), choice, disks);
        } catch (IOException e) {
            throw failure(kernel, e);
        }
    }

    @Override
    public void removeAbandoned() throws SandboxException {
        try {
            products.removeAbandoned();
        } catch (IOException e) {
            throw new SandboxException(
                    Code.PRECONDITION, "removing what was left half made in " + directory + ": " + e.getMessage(), e);
        }
    }

    private static List<String> fileNames(List<Path> modules) {
        return modules.stream().map(ModulePlan::fileName).toList();
    }

    private Product kernelProduct(KernelImage image, Consumer<String> progress) throws IOException, SandboxException {
        String key = new Sha256()
                .add(FORMAT)
                .add("kernel")
                .add(digests.digest(image.path()))
                .finish();
        return products.get("kernel", image.release(), key, channel -> writeKernel(image, channel, progress));
    }

    private static void writeKernel(KernelImage image, FileChannel channel, Consumer<String> progress)
            throws IOException {
        progress.accept("extracting the kernel " + image.release() + ": once for this kernel");
        try {
            image.extract(channel);
        } catch (KernelImage.NotExtractableException e) {
            progress.accept(
                    "taking the kernel " + image.release() + " as it is, which starts more slowly: " + e.getMessage());
            channel.truncate(0);
            image.copy(channel.position(0));
        }
    }

    private Product initrdProduct(String release, ModulePlan modules) throws IOException, SandboxException {
        GuestTree tree = GuestTree.read(guestTree);
        Sha256 key = new Sha256().add(FORMAT).add("initrd").add(tree.digest(digests));
        for (Path module : modules.link()) {
            key.add("link").add(ModulePlan.fileName(module)).add(digests.digest(module));
        }
        for (Path module : modules.later()) {
            key.add("later").add(ModulePlan.fileName(module)).add(digests.digest(module));
        }
        return products.get(
                "initrd",
                release,
                key.finish(),
                channel -> new InitrdImage(release, tree, modules).writeTo(Channels.newOutputStream(channel)));
    }

    private void createDirectory() throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        var permissions = PosixFilePermissions.fromString("rwxr-xr-x");
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(permissions));
        // The umask may have taken what the hypervisor's user needs.
        Files.setPosixFilePermissions(directory, permissions);
    }

    private SandboxException failure(Kernel kernel, IOException e) {
        String action = "cannot make the boot files of kernel " + kernel.image().release() + " in " + directory + ": ";
        String reason = switch (e) {
            case NoSuchFileException missing -> missing.getFile() + " is not there";
            case AccessDeniedException denied -> "the agent's user may not use " + denied.getFile();
            default -> String.valueOf(e.getMessage());
        };
        boolean full = reason.contains("No space left") || reason.contains("quota exceeded");
        return new SandboxException(full ? Code.EXHAUSTED : Code.PRECONDITION, action + reason, e);
    }
}
