package org.barchan.host.port;

import java.util.List;
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
 * @param kernelModules names of module files in the initrd, in order of loading
 */
public record GuestConfiguration(SandboxName hostname, Root root, List<Placed> mounts, List<String> kernelModules) {
    public GuestConfiguration {
        mounts = List.copyOf(mounts);
        kernelModules = List.copyOf(kernelModules);
    }

    /**
     * The root.
     *
     * @param share what it is
     * @param access read-only or an overlay
     * @param lacksTargets whether targets of mounts may be missing, and are to be made in memory
     */
    public record Root(Share share, Access access, boolean lacksTargets) {}

    /**
     * A mount.
     *
     * @param share for a directory or file of the host
     * @param optional whether it is left out where its target is no directory
     */
    public record Placed(Mount mount, Optional<Share> share, boolean optional) {}

    /**
     * A directory of the host that the machine has.
     *
     * @param tag names it
     * @param file the name of the file that it is for; else empty
     */
    public record Share(String tag, Transport transport, String file) {}
}
