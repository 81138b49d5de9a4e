package org.barchan.host.sandbox;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a sandbox is made of, complete and checked.
 *
 * @param name its name, unique among the live sandboxes
 * @param root what it sees as "/"
 * @param exposeHostRoot whether it sees what is secret in the host's "/", where it has that
 * @param mounts what it sees elsewhere, in the order in which it is mounted
 * @param disks what it sees in /dev
 * @param vcpus number of virtual CPUs, 1 to 255
 * @param kernelArguments further parameters of its kernel
 * @param libvirtUri the libvirt connection
 * @param debug whether kernel and init write their messages to the console
 * @param fromTemplate whether its guest goes on from a template where there is one, and one is made where there is none
 */
public record SandboxSpec(
        SandboxName name,
        Root root,
        boolean exposeHostRoot,
        List<Mount> mounts,
        List<Disk> disks,
        MemorySize memory,
        int vcpus,
        KernelChoice kernel,
        List<KernelArgument> kernelArguments,
        AcceleratorChoice accelerator,
        String libvirtUri,
        boolean debug,
        boolean fromTemplate,
        ClientLostPolicy clientLostPolicy) {
    /** Each takes a device of the machine. */
    public static final int MAX_MOUNTS = 64;

    /** As above. */
    public static final int MAX_DISKS = 64;

    /** @throws IllegalArgumentException when a value is out of its range */
    public SandboxSpec {
        mounts = List.copyOf(mounts);
        disks = List.copyOf(disks);
        kernelArguments = List.copyOf(kernelArguments);
        int size = kernelArguments.stream()
                .mapToInt(argument -> argument.text().length() + 1)
                .sum();
        if (size > KernelArgument.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "kernel arguments: " + size + " bytes (expected: at most " + KernelArgument.MAX_BYTES + ")");
        }
        if (mounts.size() > MAX_MOUNTS) {
            throw new IllegalArgumentException("mounts: " + mounts.size() + " (expected: at most " + MAX_MOUNTS + ")");
        }
        if (disks.size() > MAX_DISKS) {
            throw new IllegalArgumentException("disks: " + disks.size() + " (expected: at most " + MAX_DISKS + ")");
        }
        Set<String> tags = new HashSet<>();
        disks.stream().map(Disk::tag).filter(tag -> !tags.add(tag)).findFirst().ifPresent(tag -> {
            throw new IllegalArgumentException("disks: two with the tag '" + tag + "' (expected: one)");
        });
        if (vcpus < 1 || vcpus > 255) {
            throw new IllegalArgumentException("vcpus: " + vcpus + " (expected: 1 to 255)");
        }
    }

    /** Returns the same of another name. */
    public SandboxSpec named(SandboxName other) {
        return new SandboxSpec(
                other,
                root,
                exposeHostRoot,
                mounts,
                disks,
                memory,
                vcpus,
                kernel,
                kernelArguments,
                accelerator,
                libvirtUri,
                debug,
                fromTemplate,
                clientLostPolicy);
    }

    /** Whether its guest has disks. */
    public boolean hasImages() {
        return root instanceof Root.Image
                || isScratch(root.access())
                || mounts.stream().anyMatch(SandboxSpec::takesDisk)
                || !disks.isEmpty();
    }

    private static boolean takesDisk(Mount mount) {
        return switch (mount) {
            case Mount.Image _ -> true;
            case Mount.HostDirectory directory -> isScratch(directory.access());
            case Mount.Memory _, Mount.Bind _ -> false;
        };
    }

    private static boolean isScratch(Access access) {
        return access instanceof Access.Overlay overlay && overlay.scratch();
    }

    /** Whether its guest writes to images of the host. */
    public boolean writesImages() {
        return root instanceof Root.Image(DiskImage image, Access.ReadWrite access)
                || mounts.stream()
                        .anyMatch(mount ->
                                mount instanceof Mount.Image image && image.access() instanceof Access.ReadWrite)
                || disks.stream().anyMatch(Disk::writable);
    }
}
