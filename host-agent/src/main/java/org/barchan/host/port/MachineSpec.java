package org.barchan.host.port;

import java.nio.file.Path;
import java.util.List;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.Transport;

/**
 * A virtual machine to start.
 *
 * @param kernel kernel image: a vmlinux with a PVH entry, or a bzImage
 * @param initrd uncompressed cpio
 * @param commandLine the kernel's command line
 * @param shares directories of the host that the guest may mount
 * @param runAs the user that the hypervisor's process is to be
 */
public record MachineSpec(
        MachineRecord record,
        MemorySize memory,
        int vcpus,
        Path kernel,
        Path initrd,
        String commandLine,
        List<Share> shares,
        HostUser runAs) {
    /** The name of the virtio-serial port that is the guest's end of the link. */
    public static final String LINK_PORT = "org.barchan.link";

    public MachineSpec {
        shares = List.copyOf(shares);
    }

    /**
     * A directory of the host.
     *
     * @param tag names it to the guest, at most 31 bytes
     * @param source the directory; for virtiofs the socket of its server
     */
    public record Share(String tag, Transport transport, Path source, boolean readOnly) {}
}
