package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small libraries in the shape of the JDK's, made by the real compiler and read by the real objdump. */
final class StubCheckTest {
    private static final Set<String> STUBS = Set.of("JVM_Stub");

    @TempDir
    Path directory;

    @BeforeEach
    void makeLibraries() throws Exception {
        library("libjvm.so", "void JVM_Stub(void) {} void JVM_Real(void) {}");
        library("libbase.so", """
                void JVM_Stub(void); void JVM_Real(void);
                static __attribute__((noinline)) void inner(int n) { if (n) JVM_Stub(); __asm__(""); }
                void base_bad(int n) { inner(n); __asm__(""); }
                void base_good(void) { JVM_Real(); __asm__(""); }
                """, "libjvm.so");
        library("libtop.so", """
                void base_bad(int n); void base_good(void);
                void Java_bad(int n) { base_bad(n + 1); __asm__(""); }
                void Java_good(void) { base_good(); __asm__(""); }
                """, "libbase.so", "libjvm.so");
    }

    @Test
    void check_programThatCallsAStub_fails() throws Exception {
        assertFails(program("JVM_Stub"), "JVM_Stub");
    }

    @Test
    void check_programThatReachesAStubOverTwoLibrariesAndAStaticFunction_failsWithTheWay() throws Exception {
        assertFails(program("Java_bad"), "Java_bad > base_bad > JVM_Stub");
    }

    @Test
    void check_libraryThatReachesAStubWhenLoaded_fails() throws Exception {
        library(
                "libtop.so",
                "void JVM_Stub(void); int JNI_OnLoad(void) { JVM_Stub(); return 1; } void Java_good(void) {}",
                "libjvm.so");
        assertFails(program("Java_good"), "libtop.so JNI_OnLoad > JVM_Stub");
    }

    @Test
    void check_programThatReachesNoStub_passes() throws Exception {
        Path program = program("Java_good");
        assertDoesNotThrow(() -> StubCheck.check(program, STUBS, List.of(directory), new Tool(directory)));
    }

    private void assertFails(Path program, String way) {
        BuildException e = assertThrows(
                BuildException.class, () -> StubCheck.check(program, STUBS, List.of(directory), new Tool(directory)));
        assertTrue(String.valueOf(e.getMessage()).contains(": " + way + "."), e::toString);
    }

    private Path program(String call) throws Exception {
        Path program = directory.resolve("program");
        compile(program, "void " + call + "(void); int main(void) { " + call + "(); return 0; }", "-ltop", "-ljvm");
        return program;
    }

    private void library(String name, String source, String... needed) throws Exception {
        List<String> options = new ArrayList<>(List.of("-shared", "-fPIC", "-s", "-Wl,-soname," + name));
        for (String library : needed) {
            options.add(directory.resolve(library).toString());
        }
        compile(directory.resolve(name), source, options.toArray(String[]::new));
    }

    private void compile(Path output, String source, String... options) throws Exception {
        Path file = Files.writeString(directory.resolve("source.c"), source);
        List<String> command =
                new ArrayList<>(List.of(Tool.compiler(), "-O2", "-o", output.toString(), file.toString()));
        command.addAll(List.of("-L" + directory, "-Wl,-rpath-link," + directory, "-Wl,--no-as-needed"));
        command.addAll(List.of(options));
        new Tool(directory).run("compile", command);
    }
}
