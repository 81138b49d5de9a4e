package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** With the real JDK, builder and C compiler. */
final class JdkSubstitutesTest {
    private static final Path JDK = Path.of(System.getProperty("java.home"));

    /** Below target, since it is full of links to the JDK, and a temporary directory warns of each when it is deleted. */
    private Path directory = Path.of("");

    @BeforeEach
    void makeDirectory() throws Exception {
        directory = Files.createDirectories(Path.of("target/substitutes-test").toAbsolutePath());
    }

    @Test
    void assemble_otherJars_fails() {
        assertThrows(BuildException.class, () -> MavenBuilder.assemble(JDK, List.of(), directory, new Tool(directory)));
    }

    @Test
    void assemble_builderFromMaven_makesALibjvmThatTheJdksLibrariesCanBeLoadedWith() throws Exception {
        MavenBuilder builder = MavenBuilder.assemble(JDK, BuilderJars.all(), directory, new Tool(directory));
        JdkSubstitutes substitutes = builder.substitutes();

        ElfFile libjvm = ElfFile.read(substitutes.libjvm().resolve("libjvm.so"));
        for (String name : JdkSubstitutes.JDK_LIBRARIES) {
            TreeSet<String> missing = new TreeSet<>(
                    ElfFile.read(JDK.resolve("lib/lib" + name + ".so")).undefined());
            missing.removeIf(
                    symbol -> !symbol.startsWith("JVM_") || libjvm.defined().containsKey(symbol));
            assertEquals(new TreeSet<>(), missing, name);
        }
        assertTrue(substitutes.stubs().contains("JVM_GC"));
        assertFalse(substitutes.stubs().contains("JVM_NanoTime"), "libjvm.c has it");

        List<String> command = builder.command(new ImageSpec(
                List.of(directory), "a.B", directory.resolve("b"), List.of(), "$ORIGIN/lib", List.of("-Os")));
        assertTrue(command.containsAll(List.of("-H:Class=a.B", "-H:Name=b", "-H:Optimize=s")), command::toString);
        long exports = Files.readAllLines(directory.resolve("exports.args")).size();
        assertTrue(exports > 100 && exports < 1000, "exports: " + exports + " (a JVM takes 1,000)");
    }

    @Test
    void libraryClosure_ofTheNetLibrary_takesLibjvmFromTheFirstDirectory() throws Exception {
        Path libjvm = Files.copy(
                JDK.resolve("lib/libzip.so"), directory.resolve("libjvm.so"), StandardCopyOption.REPLACE_EXISTING);
        SortedMap<String, Path> libraries = new LibraryClosure(
                        List.of(directory, JDK.resolve("lib")), new Tool(directory))
                .of(JDK.resolve("lib/libnet.so"));
        assertEquals(libjvm, libraries.get("libjvm.so"));
        assertEquals(JDK.resolve("lib/libjava.so"), libraries.get("libjava.so"));
        assertTrue(libraries.containsKey("libc.so.6"));
        for (Map.Entry<String, Path> library : libraries.entrySet()) {
            assertTrue(Files.exists(library.getValue()), library::toString);
        }
    }

    @Test
    void libraryClosure_libraryThatIsNowhere_failsWithItsName() {
        BuildException e = assertThrows(
                BuildException.class,
                () -> new LibraryClosure(List.of(), new Tool(directory)).of(JDK.resolve("lib/libnet.so")));
        assertTrue(String.valueOf(e.getMessage()).contains("library libj"), e::toString);
    }
}
