package org.barchan.host.sandbox;

import java.nio.file.Path;
import java.util.Optional;

/** Which kernel a guest boots. */
public sealed interface KernelChoice {
    /** The newest kernel below {@code /boot} whose modules can run a sandbox. */
    record Newest() implements KernelChoice {}

    /** A kernel image of the user's. */
    final class Image implements KernelChoice {
        private final Path image;
        private final Optional<Path> modules;

        private Image(Path image, Optional<Path> modules) {
            this.image = image;
            this.modules = modules;
        }

        /** Takes the modules of {@code /lib/modules/RELEASE}, the release being the image's own. */
        public static Image of(Path image) {
            return new Image(image, Optional.empty());
        }

        /** Takes the modules of a directory that holds {@code modules.dep}. */
        public static Image of(Path image, Path modules) {
            return new Image(image, Optional.of(modules));
        }

        public Path image() {
            return image;
        }

        public Optional<Path> modules() {
            return modules;
        }
    }
}
