package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BuilderOptionsTest {
    @TempDir
    Path directory;

    @Test
    void translate_unknownOption_failsWithItsOrigin() {
        BuildException e = assertThrows(
                BuildException.class, () -> BuilderOptions.translate(List.of("--static-nolibc"), "some.jar"));
        assertTrue(String.valueOf(e.getMessage()).startsWith("option --static-nolibc of some.jar"), e::toString);
    }

    @Test
    void translate_knownOptions_givesTheBuilders() throws Exception {
        assertEquals(
                List.of(
                        "-H:Optimize=s",
                        "-H:MicroArchitecture=compatibility",
                        "-H:ClassInitialization=a.B:build_time,c:build_time",
                        "-H:ClassInitialization=d:run_time",
                        "-R:MaxHeapSize=32m",
                        "-Dx=y"),
                BuilderOptions.translate(
                        List.of(
                                "-Os",
                                "-march=compatibility",
                                "--initialize-at-build-time=a.B,c",
                                "--initialize-at-run-time=d",
                                "-R:MaxHeapSize=32m",
                                "-Dx=y"),
                        "test"));
    }

    @Test
    void ofClassPath_jarWithUnknownOption_fails() throws Exception {
        Path jar = jar("META-INF/native-image/g/a/native-image.properties", "Args = --no-such-option");
        assertThrows(BuildException.class, () -> BuilderOptions.ofClassPath(List.of(jar)));
    }

    @Test
    void ofClassPath_fileThatIsNoJar_fails() throws Exception {
        Path file = Files.writeString(directory.resolve("x.jar"), "no jar");
        assertThrows(BuildException.class, () -> BuilderOptions.ofClassPath(List.of(file)));
    }

    @Test
    void ofClassPath_propertiesOfJar_translatesThem() throws Exception {
        Path jar = jar(
                "META-INF/native-image/g/a/native-image.properties",
                "Args = --initialize-at-run-time=a.B \\\n  -H:Some=${.}/file.json");
        assertEquals(
                List.of("-H:ClassInitialization=a.B:run_time", "-H:Some=META-INF/native-image/g/a/file.json"),
                BuilderOptions.ofClassPath(List.of(jar)));
    }

    @Test
    void ofClassPath_configurationOfDirectoryAndJar_namesTheirFoldersOnce() throws Exception {
        Path folder = Files.createDirectories(directory.resolve("classes/META-INF/native-image/g/a"));
        Files.writeString(folder.resolve("reflect-config.json"), "[]");
        Files.writeString(folder.resolve("jni-config.json"), "[]");
        Path jar = jar("META-INF/native-image/g/b/reachability-metadata.json", "{}");
        assertEquals(
                List.of(
                        "-H:ConfigurationResourceRoots=META-INF/native-image/g/a",
                        "-H:ConfigurationResourceRoots=META-INF/native-image/g/b"),
                BuilderOptions.ofClassPath(List.of(jar, directory.resolve("classes"))));
    }

    private Path jar(String entry, String content) throws Exception {
        Path jar = directory.resolve("test.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(file)) {
            zip.putNextEntry(new ZipEntry(entry));
            zip.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return jar;
    }
}
