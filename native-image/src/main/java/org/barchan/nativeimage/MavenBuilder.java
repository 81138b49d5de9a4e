package org.barchan.nativeimage;

import java.io.File;
import java.io.IOException;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * The builder assembled from Maven Central's jars, on a stock JDK. Does what the native-image program of a distribution does: translates
 * options, opens the JDK to the builder's modules, and calls the builder's main class.
 *
 * @param jdk home of the JDK that the builder runs on, and whose libraries the executable is linked with
 * @param jars the builder's jars
 * @param work directory for intermediate files
 * @param substitutes in place of what a distribution has
 */
record MavenBuilder(Path jdk, List<Path> jars, Path work, JdkSubstitutes substitutes, Tool tool)
        implements NativeImageBuilder {
    private static final String SVM = "org.graalvm.nativeimage.builder";
    /** Enough for an image of 20 MB; more is only taken from other programs. */
    private static final String HEAP = "-Xmx4g";

    /** The JDK's modules have these too, or require them: the builder's have to come first. */
    private static final Set<String> UPGRADED = Set.of(
            "jdk.graal.compiler",
            "org.graalvm.collections",
            "org.graalvm.nativeimage",
            "org.graalvm.nativeimage.libgraal",
            "org.graalvm.truffle.compiler",
            "org.graalvm.word");

    /** The modules whose insides the builder reads. All of the JDK's would be more than the 1,000 exports that a JVM takes. */
    private static final Set<String> OPENED = Set.of(
            "java.base",
            "java.management",
            "java.xml",
            "jdk.internal.jvmstat",
            "jdk.internal.vm.ci",
            "jdk.jfr",
            "jdk.jlink",
            "jdk.management");

    /**
     * Assembles the builder.
     *
     * @param jars the builder's jars: org.graalvm.nativeimage:svm with its dependencies
     * @param work existing directory
     * @throws BuildException if the jars are others, or there is no C compiler
     */
    static MavenBuilder assemble(Path jdk, List<Path> jars, Path work, Tool tool) throws BuildException {
        Path svm = modules(jars).get(SVM);
        if (svm == null) {
            throw new BuildException("none of the builder's jars is module " + SVM + ": " + jars);
        }
        return new MavenBuilder(jdk, List.copyOf(jars), work, JdkSubstitutes.make(jdk, svm, work, tool), tool);
    }

    @Override
    public String description() {
        return "builder " + version() + " from Maven Central on JDK " + Runtime.version();
    }

    @Override
    public List<String> command(ImageSpec image) throws BuildException {
        List<String> command = new ArrayList<>();
        command.add(jdk.resolve("bin/java").toString());
        command.addAll(jvmArguments());
        command.add("--module");
        command.add(SVM + "/com.oracle.svm.hosted.NativeImageGeneratorRunner");
        command.add("-imagecp");
        command.add(pathOf(image.classPath()));
        command.add("-H:+UnlockExperimentalVMOptions");
        command.add("-H:Path=" + image.output().getParent());
        command.add("-H:Name=" + image.output().getFileName());
        command.add("-H:Class=" + image.mainClass());
        command.add("-H:ImageBuildID=" + buildId(image));
        command.add("-H:CLibraryPath=" + substitutes.cLibraries());
        command.add("-H:TempDirectory=" + work.resolve("temporary"));
        command.add("-H:FallbackThreshold=0");
        command.add("-H:NativeLinkerOption=-Wl,-rpath-link," + substitutes.libjvm() + ":" + jdk.resolve("lib")
                + ",-rpath," + image.libraryPath());
        for (Path object : image.objects()) {
            command.add("-H:NativeLinkerOption=" + object);
        }
        command.addAll(BuilderOptions.ofClassPath(image.classPath()));
        command.addAll(BuilderOptions.translate(image.options(), "the command line"));
        return command;
    }

    private List<String> jvmArguments() throws BuildException {
        Map<String, Path> modules = modules(jars);
        return List.of(
                "-Djava.home=" + substitutes.home(),
                "-XX:+UnlockExperimentalVMOptions",
                // The compiler is called through this interface; it does not compile the builder itself.
                "-XX:+EnableJVMCI",
                "-XX:-UseJVMCICompiler",
                "-XX:+UseParallelGC",
                "-Xss10m",
                HEAP,
                // Classes from an archive are linked already, which the builder takes no account of.
                "-Xshare:off",
                "-Duser.country=US",
                "-Duser.language=en",
                "-Djava.awt.headless=true",
                "-Dorg.graalvm.version=" + version(),
                "-Dorg.graalvm.nativeimage.imagecode=buildtime",
                "-Dcom.oracle.graalvm.isaot=true",
                "-Djava.system.class.loader=com.oracle.svm.hosted.NativeImageSystemClassLoader",
                // The JDK is not a GraalVM of the builder's version, which is the point of this class.
                "-Dsubstratevm.IgnoreGraalVersionCheck=true",
                "-Djdk.vm.ci.services.aot=true",
                // Lambdas and reflection in the forms that the builder's analysis knows.
                "-Djdk.internal.lambda.disableEagerInitialization=true",
                "-Djava.lang.invoke.InnerClassLambdaMetafactory.initializeLambdas=false",
                "-Djdk.reflect.useDirectMethodHandle=false",
                "-Djdk.reflect.useNativeAccessorOnly=true",
                "@" + exportsFile(modules.keySet()),
                "--upgrade-module-path",
                pathOf(modules.entrySet().stream()
                        .filter(module -> UPGRADED.contains(module.getKey()))
                        .map(Map.Entry::getValue)
                        .toList()),
                "--module-path",
                pathOf(modules.entrySet().stream()
                        .filter(module -> !module.getKey().equals("jdk.graal.compiler"))
                        .map(Map.Entry::getValue)
                        .toList()),
                "--add-modules",
                "ALL-DEFAULT",
                "--enable-native-access=" + SVM + ",ALL-UNNAMED");
    }

    private Path exportsFile(Set<String> toModules) throws BuildException {
        String to = String.join(",", toModules) + ",ALL-UNNAMED";
        List<String> exports = new ArrayList<>();
        for (ModuleReference module : ModuleFinder.ofSystem().findAll()) {
            if (OPENED.contains(module.descriptor().name())) {
                exports.addAll(exports(module.descriptor(), to));
            }
        }
        for (ModuleReference module : ModuleFinder.of(jars.toArray(Path[]::new)).findAll()) {
            exports.addAll(exports(module.descriptor(), to));
        }
        try {
            return Files.write(work.resolve("exports.args"), exports);
        } catch (IOException e) {
            throw new BuildException("can't write the builder's arguments below " + work + ": " + e, e);
        }
    }

    private static List<String> exports(ModuleDescriptor module, String to) {
        return new TreeSet<>(module.packages())
                .stream()
                        .map(name -> "--add-exports=" + module.name() + "/" + name + "=" + to)
                        .toList();
    }

    @Override
    public List<Path> libraryDirectories() {
        return List.of(substitutes.libjvm(), jdk.resolve("lib"));
    }

    @Override
    public void check(Path executable) throws BuildException {
        StubCheck.check(executable, substitutes.stubs(), libraryDirectories(), tool);
    }

    /** The same input gives the same id, which is a part of the executable. */
    private static UUID buildId(ImageSpec image) {
        return UUID.nameUUIDFromBytes((image.mainClass() + image.options()).getBytes(StandardCharsets.UTF_8));
    }

    private String version() {
        return jars.stream()
                .map(jar -> jar.getFileName().toString())
                .filter(name -> name.matches("svm-\\d.*\\.jar"))
                .map(name -> name.substring("svm-".length(), name.length() - ".jar".length()))
                .findFirst()
                .orElse("of unknown version");
    }

    private static Map<String, Path> modules(List<Path> jars) throws BuildException {
        Map<String, Path> modules = new TreeMap<>();
        for (Path jar : jars) {
            try {
                for (ModuleReference module : ModuleFinder.of(jar).findAll()) {
                    modules.put(module.descriptor().name(), jar);
                }
            } catch (FindException e) {
                throw new BuildException("can't read " + jar + " of the builder: " + e.getMessage(), e);
            }
        }
        return modules;
    }

    static String pathOf(List<Path> entries) {
        return entries.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }
}
