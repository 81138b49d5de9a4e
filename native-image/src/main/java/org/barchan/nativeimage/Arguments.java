package org.barchan.nativeimage;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The driver's arguments. Those of the driver are "--name=value"; all others are options of native-image.
 *
 * @param builderPath the builder's jars, used when there is no distribution
 * @param classPath the program's
 * @param mainClass the program's
 * @param name the program's file name
 * @param objects C sources to link into the program
 * @param staticPrograms C sources, each of a program of its own that needs no libraries
 * @param work directory for intermediate files; kept from build to build
 * @param tree directory for the result
 * @param selfContained whether the result brings along all that a program needs, even the C library, or else the host's is used
 * @param skip whether to leave the result as it is
 * @param options of native-image
 */
record Arguments(
        List<Path> builderPath,
        List<Path> classPath,
        String mainClass,
        String name,
        List<Path> objects,
        List<Path> staticPrograms,
        Path work,
        Path tree,
        boolean selfContained,
        boolean skip,
        List<String> options) {
    private static final Set<String> NAMES = Set.of(
            "builder-path-file",
            "class-path",
            "class-path-file",
            "main-class",
            "name",
            "object",
            "static-program",
            "work",
            "tree",
            "self-contained",
            "skip");

    /**
     * Parses a command line.
     *
     * @throws BuildException if an argument is missing or wrong, or a file that it names can't be read
     */
    static Arguments parse(List<String> arguments) throws BuildException {
        Map<String, List<String>> values = new HashMap<>();
        List<String> options = new ArrayList<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String name = argument.startsWith("--") && equals > 0 ? argument.substring(2, equals) : "";
            if (NAMES.contains(name)) {
                values.computeIfAbsent(name, key -> new ArrayList<>()).add(argument.substring(equals + 1));
            } else if (argument.startsWith("-")) {
                options.add(argument);
            } else {
                throw new BuildException(
                        "argument: " + argument + " (expected: --name=value or an option of native-image)");
            }
        }
        return new Arguments(
                pathsInFile(one(values, "builder-path-file")),
                Stream.concat(
                                paths(one(values, "class-path")).stream(),
                                pathsInFile(one(values, "class-path-file")).stream())
                        .toList(),
                one(values, "main-class"),
                one(values, "name"),
                files(values.getOrDefault("object", List.of())),
                files(values.getOrDefault("static-program", List.of())),
                Path.of(one(values, "work")).toAbsolutePath(),
                Path.of(one(values, "tree")).toAbsolutePath(),
                flag(values, "self-contained", true),
                flag(values, "skip", false),
                List.copyOf(options));
    }

    /** "-Dx" of Maven, without a value, gives "true" or an empty text. */
    private static boolean flag(Map<String, List<String>> values, String name, boolean otherwise)
            throws BuildException {
        String value =
                values.getOrDefault(name, List.of(Boolean.toString(otherwise))).getLast();
        return switch (value) {
            case "", "true" -> true;
            case "false" -> false;
            default -> throw new BuildException("--" + name + ": " + value + " (expected: true or false)");
        };
    }

    private static String one(Map<String, List<String>> values, String name) throws BuildException {
        List<String> found = values.getOrDefault(name, List.of());
        if (found.size() != 1 || found.getFirst().isEmpty()) {
            throw new BuildException("--" + name + ": " + found + " (expected: exactly one value)");
        }
        return found.getFirst();
    }

    private static List<Path> pathsInFile(String file) throws BuildException {
        try {
            return paths(Files.readString(Path.of(file)).strip());
        } catch (IOException e) {
            throw new BuildException(
                    "can't read the class path in " + file + ": " + e + "; build the module that writes it", e);
        }
    }

    private static List<Path> paths(String path) throws BuildException {
        return files(Arrays.asList(path.split(File.pathSeparator)));
    }

    private static List<Path> files(List<String> names) throws BuildException {
        List<Path> files =
                names.stream().map(name -> Path.of(name).toAbsolutePath()).toList();
        Optional<Path> missing = files.stream().filter(Files::notExists).findFirst();
        if (missing.isPresent()) {
            throw new BuildException(missing.get() + " does not exist");
        }
        return files;
    }
}
