package org.barchan.host.sandbox;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An installed kernel, and whether it can run a sandbox.
 *
 * @param release as {@code uname -r} prints it; taken from the image's name where the image can't be read
 * @param problem why it can't run a sandbox, in one clause; empty if it can
 */
public record KernelReport(String release, Path image, Optional<String> problem) {
    /** Tells whether it can run a sandbox. */
    public boolean usable() {
        return problem.isEmpty();
    }
}
