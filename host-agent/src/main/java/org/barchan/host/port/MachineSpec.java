package org.barchan.host.port;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.DiskImage;
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
 * @param disks block devices of the guest
 * @param runAs the user that the hypervisor's process is to be
 * @param saved what another machine of the same kind, without shares and disks, was saved to by {@link Machine#save}: this one goes on from
 *     there, with the guest's memory and all, when it is {@linkplain Machine#restore restored}
 */
public record MachineSpec(
        MachineRecord record,
        MemorySize memory,
        int vcpus,
        Path kernel,
        Path initrd,
        String commandLine,
        List<Share> shares,
        List<Disk> disks,
        HostUser runAs,
        Optional<Path> saved) {
    /** The name of the virtio-serial port that is the guest's end of the link. */
    public static final String LINK_PORT = "org.barchan.link";

    public MachineSpec {
        shares = List.copyOf(shares);
        disks = List.copyOf(disks);
    }

    /**
     * A directory of the host.
     *
     * @param tag names it to the guest, at most 31 bytes
     * @param source the directory; for virtiofs the socket of its server
     */
    public record Share(String tag, Transport transport, Path source, boolean readOnly) {}

    /**
     * A block device.
     *
     * @param serial names it to the guest, at most 20 bytes
     * @param source the file that holds what is on it
     * @param ephemeral whether nobody wants what is on it when the machine has ended
     */
    public record Disk(String serial, DiskImage.Format format, Path source, boolean readOnly, boolean ephemeral) {}
}
