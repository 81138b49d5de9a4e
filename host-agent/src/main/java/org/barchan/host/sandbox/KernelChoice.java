package org.barchan.host.sandbox;

import java.nio.file.Path;
import java.util.Optional;

/** Which kernel a guest boots. */
public sealed interface KernelChoice {
    /** The newest kernel below {@code /boot} whose modules can run a sandbox. */
    record Newest() implements KernelChoice {}

    /**
     * A kernel image of the user's.
     *
     * @param modules a directory that holds {@code modules.dep}; empty: {@code /lib/modules/RELEASE}, the release being the image's own
     */
    record Image(Path image, Optional<Path> modules) implements KernelChoice {
        /** Takes the modules of {@code /lib/modules/RELEASE}. */
        public static Image of(Path image) {
            return new Image(image, Optional.empty());
        }

        /** Takes the modules of a directory. */
        public static Image of(Path image, Path modules) {
            return new Image(image, Optional.of(modules));
        }
    }
}
