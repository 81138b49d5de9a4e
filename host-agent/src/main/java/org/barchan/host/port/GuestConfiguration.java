package org.barchan.host.port;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.Transport;

/**
 * What a guest is to make of itself. Entropy and clock are added when it is sent.
 *
 * @param root what it sees as "/"
 * @param mounts below that, in this order
 * @param disks what it sees in /dev
 * @param kernelModules names of module files in the initrd, in order of loading
 * @param fileSystems the same, for each file system that an image may have, by its type
 */
public record GuestConfiguration(
        SandboxName hostname,
        Root root,
        List<Placed> mounts,
        List<Disk> disks,
        List<String> kernelModules,
        Map<String, List<String>> fileSystems) {
    public GuestConfiguration {
        mounts = List.copyOf(mounts);
        disks = List.copyOf(disks);
        kernelModules = List.copyOf(kernelModules);
        fileSystems = Map.copyOf(fileSystems);
    }

    /**
     * A disk that the sandbox sees.
     *
     * @param serial names the machine's device
     * @param tag names it in the sandbox
     * @param uid its owner
     * @param gid its group
     */
    public record Disk(String serial, String tag, int uid, int gid, boolean readOnly) {}

    /**
     * The root.
     *
     * @param share what it is
     * @param access what can be written to it
     * @param lacksTargets whether targets of mounts may be missing, and are to be made in memory
     */
    public record Root(Share share, Access access, boolean lacksTargets) {}

    /**
     * A mount.
     *
     * @param share for a directory, a file or an image of the host
     * @param optional whether it is left out where its target is no directory
     */
    public record Placed(Mount mount, Optional<Share> share, boolean optional) {}

    /**
     * A directory or an image of the host that the machine has.
     *
     * @param tag names it; of an image, the serial number of the device
     * @param file the name of the file that it is for; else empty
     * @param scratch serial number of the device that an overlay over it is written to; empty: the guest's memory takes it
     */
    public record Share(String tag, Transport transport, String file, String scratch) {
        /** Without a device for an overlay. */
        public Share(String tag, Transport transport, String file) {
            this(tag, transport, file, "");
        }
    }
}
