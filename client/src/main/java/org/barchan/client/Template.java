package org.barchan.client;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A guest that was booted and saved, for sandboxes to go on from.
 *
 * @param id the name of its file, and of any that is made of the same
 * @param sizeBytes how large it is
 * @param createTime when it was made; empty if that can't be read
 * @param lastUseTime when a sandbox was last made from it; empty if none was
 * @param kind what guests go on from it; empty if that can't be read
 */
public record Template(
        String id, long sizeBytes, Optional<Instant> createTime, Optional<Instant> lastUseTime, Optional<Kind> kind) {
    /**
     * What guests go on from a template, whatever they mount.
     *
     * @param kernelRelease as {@code uname -r} prints it
     * @param accelerator what runs the guest's instructions
     * @param memoryBytes memory of the guest
     * @param vcpus number of virtual CPUs
     * @param disks whether the guest has drivers of disks: with images, scratch or disks it has
     * @param kernelArguments further parameters of the guest's kernel
     */
    public record Kind(
            String kernelRelease,
            Accelerator accelerator,
            long memoryBytes,
            int vcpus,
            boolean disks,
            List<String> kernelArguments) {
        public Kind {
            kernelArguments = List.copyOf(kernelArguments);
        }
    }
}
