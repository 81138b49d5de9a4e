package org.barchan.host.port;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.SandboxException;

/** Makes what a guest boots from. Safe for use by many threads and many agents: each file appears whole or not at all. */
public interface BootFiles {
    /**
     * Returns the kernel and initrd for a choice of kernel, from the cache where they were made before.
     *
     * @param disks whether the guest has disks, whose drivers take room and time
     * @param progress told, in one line, of anything that takes long
     * @throws SandboxException {@code INVALID} or {@code PRECONDITION}: which file or module is missing, what would do instead
     */
    BootFileSet prepare(KernelChoice choice, boolean disks, Consumer<String> progress) throws SandboxException;

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
        OVERLAY,
        BLOCK,
        EXT4,
        XFS,
        BTRFS,
        SQUASHFS,
        EROFS;

        /** File systems of images. */
        public static final Set<Feature> FILE_SYSTEMS = Collections.unmodifiableSet(EnumSet.range(EXT4, EROFS));

        /** Whether guests without a disk have no use for it. */
        public boolean isForDisks() {
            return compareTo(BLOCK) >= 0;
        }
    }

    /**
     * What a guest boots from.
     *
     * @param release the kernel's release as {@code uname -r} prints it
     * @param kernel readable by any user
     * @param initrd readable by any user
     * @param modules what the kernel has: names of module files in the initrd that are to be loaded for it, in this order
     * @param digest changes whenever any of it changes
     * @param choice what was asked for
     * @param disks as it was asked for
     */
    record BootFileSet(
            String release,
            Path kernel,
            Path initrd,
            Map<Feature, List<String>> modules,
            String digest,
            KernelChoice choice,
            boolean disks) {
        public BootFileSet {
            modules = Map.copyOf(modules);
        }

        public boolean has(Feature feature) {
            return modules.containsKey(feature);
        }

        /** Returns the names of all modules but those that only some sandboxes with a disk need. */
        public List<String> commonModules() {
            return modules(Arrays.stream(Feature.values())
                    .filter(feature -> has(feature) && !feature.isForDisks())
                    .toList());
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
