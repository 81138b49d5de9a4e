package org.barchan.nativeimage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The native-image program of a GraalVM distribution. Its images have the JDK's native code inside. */
record GraalDistribution(Path home) implements NativeImageBuilder {
    /**
     * Takes a distribution.
     *
     * @throws BuildException if there is none
     */
    static GraalDistribution at(Path home) throws BuildException {
        if (!Files.isExecutable(program(home))) {
            throw new BuildException(
                    "GRAALVM_HOME is " + home + ", but " + program(home)
                            + " is no executable program; set GRAALVM_HOME to a GraalVM 25 with native-image, or unset it to build without one");
        }
        return new GraalDistribution(home);
    }

    @Override
    public String description() {
        return "GraalVM in " + home;
    }

    @Override
    public List<String> command(ImageSpec image) {
        List<String> command = new ArrayList<>();
        command.add(program(home).toString());
        command.add("--no-fallback");
        command.add("-cp");
        command.add(MavenBuilder.pathOf(image.classPath()));
        command.add("-H:+UnlockExperimentalVMOptions");
        command.addAll(image.options());
        for (Path object : image.objects()) {
            command.add("-H:NativeLinkerOption=" + object);
        }
        command.add("-H:NativeLinkerOption=-Wl,-rpath," + image.libraryPath());
        command.add("-o");
        command.add(image.output().toString());
        command.add(image.mainClass());
        return command;
    }

    @Override
    public List<Path> libraryDirectories() {
        return List.of();
    }

    @Override
    public void check(Path executable) {
        // The distribution's own libraries are complete.
    }

    private static Path program(Path home) {
        return home.resolve("bin/native-image");
    }
}
