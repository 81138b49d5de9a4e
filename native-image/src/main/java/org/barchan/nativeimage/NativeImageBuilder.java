package org.barchan.nativeimage;

import java.nio.file.Path;
import java.util.List;

/** A program that makes an executable of classes. */
sealed interface NativeImageBuilder permits GraalDistribution, MavenBuilder {
    /** For people: which builder this is. */
    String description();

    /**
     * Returns the command that builds an image.
     *
     * @throws BuildException if the image asks for something that this builder has no means for
     */
    List<String> command(ImageSpec image) throws BuildException;

    /** Returns the directories, besides the C compiler's, that have the shared libraries which the executable needs. */
    List<Path> libraryDirectories();

    /**
     * Looks at a finished executable.
     *
     * @throws BuildException if it was built, but can't be trusted to work
     */
    void check(Path executable) throws BuildException;
}
