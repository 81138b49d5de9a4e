package org.barchan.host.port;

import java.util.List;
import org.barchan.host.sandbox.SandboxName;

/**
 * What a guest is to make of itself. Entropy and clock are added when it is sent.
 *
 * @param rootTag tag of the 9p share that becomes the root, mounted read-only
 * @param tmpfsTargets directories that get a file system in memory, mode 1777
 * @param kernelModules names of module files in the initrd, in order of loading
 */
public record GuestConfiguration(
        SandboxName hostname, String rootTag, List<String> tmpfsTargets, List<String> kernelModules) {
    public GuestConfiguration {
        tmpfsTargets = List.copyOf(tmpfsTargets);
        kernelModules = List.copyOf(kernelModules);
    }
}
