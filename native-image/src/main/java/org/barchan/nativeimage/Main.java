package org.barchan.nativeimage;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds a program as a native image, and a directory with all that it needs to run. Does nothing when that would change nothing: a digest
 * of all input is kept beside the result.
 */
public final class Main {
    private static final Duration BUILD_DEADLINE = Duration.ofMinutes(30);

    private final Arguments arguments;
    private final PrintStream progress;
    private final Tool tool;

    private Main(Arguments arguments, PrintStream progress) throws IOException {
        this.arguments = arguments;
        this.progress = progress;
        this.tool = new Tool(Files.createDirectories(arguments.work().resolve("logs")));
    }

    /** See {@link Arguments}. Exit status 1 and a message on standard error when the program can't be built. */
    @SuppressWarnings("SystemOut") // A command line tool: this is where its user looks.
    public static void main(String[] args) {
        try {
            new Main(Arguments.parse(List.of(args)), System.out).run();
        } catch (BuildException | IOException e) {
            System.err.println("native-image: " + e.getMessage());
            System.exit(1);
        }
    }

    private void run() throws BuildException, IOException {
        String imageDigest = imageDigest();
        InputDigest treeInput = new InputDigest().add(imageDigest).add(Boolean.toString(arguments.selfContained()));
        for (Path source : arguments.staticPrograms()) {
            treeInput.add(source.getFileName().toString()).add(source);
        }
        String treeDigest = treeInput.finish();
        Stamp treeStamp = new Stamp(arguments.work().resolve("tree.digest"));
        boolean current =
                treeStamp.holds(treeDigest) && Files.exists(arguments.tree().resolve(arguments.name()));
        if (current) {
            return;
        }
        if (arguments.skip()) {
            progress.println("WARNING: the native image is NOT built, as asked for; " + arguments.tree()
                    + (Files.exists(arguments.tree().resolve(arguments.name()))
                            ? " is of an EARLIER version of the sources"
                            : " does not exist: nothing that needs it will work"));
            return;
        }
        NativeImageBuilder builder = builder();
        Path image = buildImage(builder, imageDigest);
        treeStamp.clear();
        ProgramTree tree = ProgramTree.create(arguments.tree());
        Path program = tree.program(arguments.name());
        Files.copy(image, program, StandardCopyOption.COPY_ATTRIBUTES);
        tree.addLibraries(program, builder.libraryDirectories(), tool);
        if (arguments.selfContained()) {
            tree.addHostLibraries(program, builder.libraryDirectories(), tool);
        }
        for (Path source : arguments.staticPrograms()) {
            String name = baseName(source);
            tool.run(
                    "compile " + name,
                    compile("-static", "-s", "-o", tree.program(name).toString(), source.toString()));
        }
        treeStamp.write(treeDigest);
    }

    private NativeImageBuilder builder() throws BuildException {
        String distribution = System.getenv("GRAALVM_HOME");
        return distribution != null && !distribution.isEmpty()
                ? GraalDistribution.at(Path.of(distribution))
                : MavenBuilder.assemble(jdk(), arguments.builderPath(), arguments.work(), tool);
    }

    /** Builds the executable, unless there is one of the same input. */
    private Path buildImage(NativeImageBuilder builder, String digest) throws BuildException, IOException {
        Path image = Files.createDirectories(arguments.work().resolve("image")).resolve(arguments.name());
        Stamp stamp = new Stamp(arguments.work().resolve("image.digest"));
        if (stamp.holds(digest) && Files.exists(image)) {
            return image;
        }
        stamp.clear();
        List<Path> objects = new ArrayList<>();
        for (Path source : arguments.objects()) {
            Path object = arguments.work().resolve(baseName(source) + ".o");
            tool.run(
                    "compile " + object.getFileName(),
                    compile("-fPIC", "-c", "-o", object.toString(), source.toString()));
            objects.add(object);
        }
        progress.println("building " + arguments.mainClass()
                + " as a native image: takes two to three minutes on two idle CPUs and up to 4 GB of memory ("
                + builder.description() + ")");
        progress.flush();
        long start = System.nanoTime();
        tool.run(
                "native image",
                builder.command(new ImageSpec(
                        arguments.classPath(),
                        arguments.mainClass(),
                        image,
                        objects,
                        ProgramTree.LIBRARY_PATH,
                        arguments.options())),
                BUILD_DEADLINE);
        builder.check(image);
        stamp.write(digest);
        progress.printf(
                "built %s: %.1f MB in %d s%n",
                image,
                Files.size(image) / 1e6,
                Duration.ofNanos(System.nanoTime() - start).toSeconds());
        return image;
    }

    /** All that the executable is made of: the program, the options, the builder, the JDK, the C compiler, and this driver. */
    private String imageDigest() throws BuildException {
        InputDigest digest = new InputDigest();
        for (Path entry : arguments.classPath()) {
            digest.add(entry);
        }
        for (Path source : arguments.objects()) {
            digest.add(source.getFileName().toString()).add(source);
        }
        digest.add(arguments.mainClass()).add(arguments.name());
        arguments.options().forEach(digest::add);
        String distribution = System.getenv().getOrDefault("GRAALVM_HOME", "");
        if (distribution.isEmpty()) {
            arguments.builderPath().forEach(jar -> digest.add(jar.getFileName().toString()));
            digest.add(jdk().resolve("release"));
        } else {
            digest.add(Path.of(distribution, "release"));
        }
        digest.add(tool.run("compiler version", List.of(Tool.compiler(), "--version")));
        return digest.add(ownCode()).finish();
    }

    private static List<String> compile(String... arguments) {
        List<String> command = new ArrayList<>(List.of(Tool.compiler(), "-O2", "-Wall", "-Wextra", "-Werror"));
        command.addAll(List.of(arguments));
        return command;
    }

    private static Path ownCode() {
        return Path.of(URI.create(
                Main.class.getProtectionDomain().getCodeSource().getLocation().toString()));
    }

    private static Path jdk() {
        return Path.of(System.getProperty("java.home"));
    }

    private static String baseName(Path source) {
        return source.getFileName().toString().replaceFirst("\\.c$", "");
    }

    /** A file with the digest of what a result was made of. */
    private record Stamp(Path file) {
        boolean holds(String digest) throws IOException {
            return Files.exists(file) && Files.readString(file).equals(digest);
        }

        /** Before a result is touched, so that one that is made by halves does not count. */
        void clear() throws IOException {
            Files.deleteIfExists(file);
        }

        void write(String digest) throws IOException {
            Files.writeString(file, digest);
        }
    }
}
