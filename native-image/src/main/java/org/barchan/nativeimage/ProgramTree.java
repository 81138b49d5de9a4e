package org.barchan.nativeimage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A directory with all that a program needs to run where nothing else is: the program at its top, its shared libraries in lib, the
 * dynamic loader where the program asks for it.
 */
final class ProgramTree {
    /** Where the program looks for its libraries: what {@link #addLibraries} fills. */
    static final String LIBRARY_PATH = "$ORIGIN/lib";

    private final Path root;

    private ProgramTree(Path root) {
        this.root = root;
    }

    /**
     * Makes an empty tree, in place of an earlier one.
     *
     * @throws BuildException if that fails
     */
    static ProgramTree create(Path root) throws BuildException {
        try {
            if (Files.exists(root)) {
                try (Stream<Path> walk = Files.walk(root)) {
                    for (Path file : walk.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(file);
                    }
                }
            }
            Files.createDirectories(root.resolve("lib"));
            return new ProgramTree(root);
        } catch (IOException | UncheckedIOException e) {
            throw new BuildException("can't make an empty directory " + root + ": " + e, e);
        }
    }

    /** Where a program of this name is to be built. */
    Path program(String name) {
        return root.resolve(name);
    }

    /**
     * Copies what a program is loaded with and the builder has.
     *
     * @param directories the builder's, where libraries are looked for before those of the C compiler
     * @throws BuildException if a library is missing, or can't be copied
     */
    void addLibraries(Path program, List<Path> directories, Tool tool) throws BuildException {
        copy(program, directories, tool, library -> directories.stream().anyMatch(library::startsWith));
    }

    /**
     * Copies what a program is loaded with besides, the dynamic loader and the C library, so that it runs where there is nothing else.
     *
     * @param directories as for {@link #addLibraries}
     * @throws BuildException if a library is missing, or can't be copied
     */
    void addHostLibraries(Path program, List<Path> directories, Tool tool) throws BuildException {
        try {
            String interpreter = ElfFile.read(program)
                    .interpreter()
                    .orElseThrow(
                            () -> new BuildException(program + " asks for no dynamic loader; it is linked wrongly"));
            Path loader = root.resolve(interpreter.substring(1));
            Files.createDirectories(loader.getParent());
            Files.copy(Path.of(interpreter), loader, StandardCopyOption.REPLACE_EXISTING);
            // libc needs the loader as a library too; the loader knows itself by this name, wherever it is.
            copy(program, directories, tool, library -> !library.endsWith(loader.getFileName()));
        } catch (IOException e) {
            throw new BuildException("can't copy the dynamic loader of " + program + " to " + root + ": " + e, e);
        }
    }

    private void copy(Path program, List<Path> directories, Tool tool, Predicate<Path> which) throws BuildException {
        try {
            for (Map.Entry<String, Path> library :
                    new LibraryClosure(directories, tool).of(program).entrySet()) {
                if (which.test(library.getValue())) {
                    Path copy = root.resolve("lib").resolve(library.getKey());
                    Files.copy(library.getValue(), copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException e) {
            throw new BuildException("can't copy the libraries of " + program + " to " + root + ": " + e, e);
        }
    }
}
