package org.barchan.host.sandbox;

import java.util.List;
import java.util.Optional;

/**
 * What a sandbox is made of, complete and checked.
 *
 * @param name its name, unique among the live sandboxes
 * @param root the directory of the host that it sees as "/", absolute
 * @param rootAccess what can be written to that: read-only or an overlay
 * @param exposeHostRoot whether it sees what is secret in the host's "/", where it has that
 * @param rootTransport by what its root gets into the guest; empty: what does best
 * @param mounts what it sees elsewhere, in the order in which it is mounted
 * @param vcpus number of virtual CPUs, 1 to 255
 * @param kernelArguments further parameters of its kernel
 * @param libvirtUri the libvirt connection
 * @param debug whether kernel and init write their messages to the console
 */
public record SandboxSpec(
        SandboxName name,
        GuestPath root,
        Access rootAccess,
        boolean exposeHostRoot,
        Optional<Transport> rootTransport,
        List<Mount> mounts,
        MemorySize memory,
        int vcpus,
        KernelChoice kernel,
        List<KernelArgument> kernelArguments,
        AcceleratorChoice accelerator,
        String libvirtUri,
        boolean debug,
        ClientLostPolicy clientLostPolicy) {
    /** The host's "/". */
    public static final GuestPath HOST_ROOT = new GuestPath("/");

    /** Each takes a device of the machine. */
    public static final int MAX_MOUNTS = 64;

    /** @throws IllegalArgumentException when a value is out of its range */
    public SandboxSpec {
        mounts = List.copyOf(mounts);
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
        if (rootAccess instanceof Access.ReadWrite) {
            throw new IllegalArgumentException("root mode: read-write (expected: read-only or overlay)");
        }
        if (vcpus < 1 || vcpus > 255) {
            throw new IllegalArgumentException("vcpus: " + vcpus + " (expected: 1 to 255)");
        }
    }
}
