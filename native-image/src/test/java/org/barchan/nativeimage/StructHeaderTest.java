package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

final class StructHeaderTest {
    @Test
    void derive_classThatIsNotThere_fails() throws Exception {
        assertFails(new StructHeader("x.h", "com.oracle.svm.NoSuchClass", Optional.empty()), "has no class");
    }

    @Test
    void derive_interfaceThatIsNoStruct_fails() throws Exception {
        assertFails(
                new StructHeader("x.h", "com.oracle.svm.core.c.locale.LocaleCHelper", Optional.empty()), "@CStruct");
    }

    @Test
    void derive_structWithFieldOfUnknownType_fails() throws Exception {
        assertFails(
                new StructHeader("x.h", "com.oracle.svm.core.posix.headers.Time$timeval", Optional.empty()),
                "has no known C type");
    }

    @Test
    void derive_locale_hasConstantsAndTheNamesOfTheAnnotations() throws Exception {
        try (ZipFile svm = svm()) {
            String header = StructHeader.ALL.getLast().derive(svm);
            assertTrue(header.contains("#define SVM_LOCALE_INITIALIZATION_SUCCEEDED 0\n"), header);
            assertTrue(header.contains("  char * display_language;\n"), header);
            assertTrue(header.endsWith("} svm_locale_props_t;\n"), header);
        }
    }

    @Test
    void derive_cpuFeatures_hasOneFieldForEachMethod() throws Exception {
        try (ZipFile svm = svm()) {
            String header = StructHeader.ALL.getFirst().derive(svm);
            assertEquals(
                    65,
                    header.lines().filter(line -> line.startsWith("  char f")).count(),
                    header);
            assertTrue(header.endsWith("} CPUFeatures;\n"), header);
        }
    }

    private static void assertFails(StructHeader header, String message) throws Exception {
        try (ZipFile svm = svm()) {
            BuildException e = assertThrows(BuildException.class, () -> header.derive(svm));
            assertTrue(String.valueOf(e.getMessage()).contains(message), e::toString);
        }
    }

    private static ZipFile svm() throws Exception {
        Path jar = BuilderJars.all().stream()
                .filter(path -> path.getFileName().toString().startsWith("svm-25"))
                .findFirst()
                .orElseThrow();
        return new ZipFile(jar.toFile());
    }
}
