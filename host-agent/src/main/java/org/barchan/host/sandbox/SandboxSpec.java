package org.barchan.host.sandbox;

import java.nio.file.Path;

/**
 * What a sandbox is made of, complete and checked.
 *
 * @param name its name, unique among the live sandboxes
 * @param root the directory of the host that it sees as "/", absolute
 * @param vcpus number of virtual CPUs, 1 to 255
 * @param libvirtUri the libvirt connection
 * @param debug whether kernel and init write their messages to the console
 */
public record SandboxSpec(
        SandboxName name,
        Path root,
        MemorySize memory,
        int vcpus,
        KernelChoice kernel,
        AcceleratorChoice accelerator,
        String libvirtUri,
        boolean debug,
        ClientLostPolicy clientLostPolicy) {
    public SandboxSpec {
        if (!root.isAbsolute()) {
            throw new IllegalArgumentException("root directory: " + root + " (expected: an absolute path)");
        }
        if (vcpus < 1 || vcpus > 255) {
            throw new IllegalArgumentException("vcpus: " + vcpus + " (expected: 1 to 255)");
        }
    }
}
