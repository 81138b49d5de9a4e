package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InputDigestTest {
    @TempDir
    Path directory;

    @Test
    void add_missingFile_failsWithItsName() {
        BuildException e = assertThrows(BuildException.class, () -> new InputDigest().add(directory.resolve("none")));
        assertTrue(String.valueOf(e.getMessage()).contains("none"), e::toString);
    }

    @Test
    void add_sameBytesCutElsewhere_givesAnotherDigest() {
        assertNotEquals(
                new InputDigest().add("ab").add("c").finish(),
                new InputDigest().add("a").add("bc").finish());
    }

    @Test
    void add_directory_seesContentAndNames() throws Exception {
        Files.writeString(directory.resolve("a"), "1");
        String first = new InputDigest().add(directory).finish();
        assertEquals(first, new InputDigest().add(directory).finish());

        Files.writeString(directory.resolve("a"), "2");
        String changed = new InputDigest().add(directory).finish();
        assertNotEquals(first, changed);

        Files.move(directory.resolve("a"), directory.resolve("b"));
        assertNotEquals(changed, new InputDigest().add(directory).finish());
    }
}
