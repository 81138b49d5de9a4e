package org.barchan.host.port;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
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

    /** What a kernel may have as modules, or lack. */
    enum Feature {
        NINEP,
        VIRTIOFS,
        OVERLAY
    }

    /**
     * What a guest boots from.
     *
     * @param release the kernel's release as {@code uname -r} prints it
     * @param kernel readable by any user
     * @param initrd readable by any user
     * @param modules what the kernel has: names of module files in the initrd that are to be loaded for it, in this order
     * @param digest changes whenever any of it changes
     */
    record BootFileSet(String release, Path kernel, Path initrd, Map<Feature, List<String>> modules, String digest) {
        public BootFileSet {
            modules = Map.copyOf(modules);
        }

        public boolean has(Feature feature) {
            return modules.containsKey(feature);
        }

        /** Returns the names of all modules for features that it has, in an order in which they can be loaded. */
        public List<String> modules(Collection<Feature> features) {
            return features.stream()
                    .flatMap(feature -> requireNonNull(modules.get(feature)).stream())
                    .distinct()
                    .toList();
        }
    }
}
