package org.barchan.nativeimage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Translates options of the native-image program into those of the builder behind it, and finds the options that jars bring along in
 * META-INF/native-image. An option that is not known here is an error: dropped silently, it would change the image.
 */
final class BuilderOptions {
    private static final Map<String, String> RENAMED = Map.of(
            "-march=", "-H:MicroArchitecture=",
            "-O", "-H:Optimize=",
            "--features=", "-H:Features=");
    private static final Set<String> CONFIGURATION_FILES = Set.of(
            "reachability-metadata.json",
            "reflect-config.json",
            "jni-config.json",
            "proxy-config.json",
            "resource-config.json",
            "serialization-config.json");
    private static final String METADATA = "META-INF/native-image";

    private BuilderOptions() {}

    /**
     * Translates options.
     *
     * @param origin where the options are from, for messages
     * @throws BuildException if one is not known
     */
    static List<String> translate(List<String> options, String origin) throws BuildException {
        List<String> translated = new ArrayList<>();
        for (String option : options) {
            translated.add(translate(option, origin));
        }
        return translated;
    }

    private static String translate(String option, String origin) throws BuildException {
        if (option.startsWith("-H:") || option.startsWith("-R:") || option.startsWith("-D")) {
            return option;
        }
        if (option.startsWith("--initialize-at-build-time=")) {
            return initialization(option, "build_time");
        }
        if (option.startsWith("--initialize-at-run-time=")) {
            return initialization(option, "run_time");
        }
        for (Map.Entry<String, String> renamed : RENAMED.entrySet()) {
            if (option.startsWith(renamed.getKey())) {
                return renamed.getValue() + option.substring(renamed.getKey().length());
            }
        }
        throw new BuildException("option " + option + " of " + origin
                + " has no known translation; add one, or build with a distribution (GRAALVM_HOME)");
    }

    private static String initialization(String option, String when) {
        String names = option.substring(option.indexOf('=') + 1);
        return Arrays.stream(names.split(","))
                .map(name -> name + ":" + when)
                .collect(Collectors.joining(",", "-H:ClassInitialization=", ""));
    }

    /**
     * Finds the options that a class path brings along, translated.
     *
     * @throws BuildException if an entry can't be read, or an option is not known
     */
    static List<String> ofClassPath(List<Path> classPath) throws BuildException {
        List<String> options = new ArrayList<>();
        Set<String> configurations = new TreeSet<>();
        for (Path entry : classPath) {
            try {
                if (Files.isDirectory(entry)) {
                    collect(entry, entry.toString(), options, configurations);
                } else {
                    try (FileSystem jar = FileSystems.newFileSystem(entry)) {
                        collect(jar.getPath("/"), entry.toString(), options, configurations);
                    }
                }
            } catch (IOException e) {
                throw new BuildException("can't read " + entry + " of the image's class path: " + e, e);
            }
        }
        for (String configuration : configurations) {
            options.add("-H:ConfigurationResourceRoots=" + configuration);
        }
        return options;
    }

    private static void collect(Path root, String origin, List<String> options, Set<String> configurations)
            throws IOException, BuildException {
        Path metadata = root.resolve(METADATA);
        if (!Files.isDirectory(metadata)) {
            return;
        }
        try (Stream<Path> walk = Files.walk(metadata)) {
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                String directory = root.relativize(file.resolveSibling("")).toString();
                String name = String.valueOf(file.getFileName());
                if (CONFIGURATION_FILES.contains(name)) {
                    configurations.add(directory);
                } else if (name.equals("native-image.properties")) {
                    Properties properties = new Properties();
                    try (InputStream in = Files.newInputStream(file)) {
                        properties.load(in);
                    }
                    String arguments = properties
                            .getProperty("Args", "")
                            .replace("${.}", directory)
                            .trim();
                    if (!arguments.isEmpty()) {
                        options.addAll(translate(List.of(arguments.split("\\s+")), origin));
                    }
                }
            }
        }
    }
}
