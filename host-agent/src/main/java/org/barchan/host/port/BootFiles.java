package org.barchan.host.port;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.SandboxException;

/** Makes what a guest boots from. Safe for use by many threads and many agents: each file appears whole or not at all. */
public interface BootFiles {
    /**
     * Returns the kernel and initrd for a choice of kernel, from the cache where they were made before.
     *
     * @param progress told, in one line, of anything that takes long
     * @throws SandboxException {@code INVALID} or {@code PRECONDITION}: which file or module is missing, what would do instead
     */
    BootFileSet prepare(KernelChoice choice, Consumer<String> progress) throws SandboxException;

    /**
     * Removes what agents that were killed had begun to make.
     *
     * @throws SandboxException {@code PRECONDITION} when that can't be done
     */
    void removeAbandoned() throws SandboxException;

    /**
     * What a guest boots from.
     *
     * @param release the kernel's release as {@code uname -r} prints it
     * @param kernel readable by any user
     * @param initrd readable by any user
     * @param rootModules names of module files in the initrd that are to be loaded, in this order, before 9p can be mounted
     * @param overlayModules likewise, before an overlay can be mounted; none where the kernel has no overlays
     * @param digest changes whenever any of it changes
     */
    record BootFileSet(
            String release,
            Path kernel,
            Path initrd,
            List<String> rootModules,
            Optional<List<String>> overlayModules,
            String digest) {
        public BootFileSet {
            rootModules = List.copyOf(rootModules);
            overlayModules = overlayModules.map(List::copyOf);
        }
    }
}
