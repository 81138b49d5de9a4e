package org.barchan.nativeimage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The real builder's jars, as the module's build has found them. */
final class BuilderJars {
    private BuilderJars() {}

    static List<Path> all() throws IOException {
        return Stream.of(
                        Files.readString(Path.of("target/builder.path")).strip().split(":"))
                .map(Path::of)
                .toList();
    }
}
