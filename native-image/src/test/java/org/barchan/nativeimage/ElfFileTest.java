package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ElfFileTest {
    private static final Path JDK = Path.of(System.getProperty("java.home"));

    @TempDir
    Path directory;

    @Test
    void read_textFile_fails() throws Exception {
        Path file = Files.writeString(directory.resolve("text"), "text".repeat(100));
        assertThrows(BuildException.class, () -> ElfFile.read(file));
    }

    @Test
    void read_emptyFile_fails() throws Exception {
        Path file = Files.createFile(directory.resolve("empty"));
        assertThrows(BuildException.class, () -> ElfFile.read(file));
    }

    @Test
    void read_truncatedLibrary_fails() throws Exception {
        byte[] whole = Files.readAllBytes(JDK.resolve("lib/libnet.so"));
        Path file = Files.write(directory.resolve("cut.so"), Arrays.copyOf(whole, whole.length / 2));
        assertThrows(BuildException.class, () -> ElfFile.read(file));
    }

    @Test
    void read_libraryOfTheJdk_hasWhatTheLinkerSees() throws Exception {
        ElfFile net = ElfFile.read(JDK.resolve("lib/libnet.so"));
        assertEquals(Optional.empty(), net.interpreter());
        assertTrue(net.needed().containsAll(List.of("libjava.so", "libjvm.so", "libc.so.6")), net::toString);
        assertTrue(net.defined().containsKey("JNI_OnLoad"));
        assertTrue(net.undefined().contains("JNU_ThrowByName"));
    }

    @Test
    void read_program_hasItsLoader() throws Exception {
        assertEquals(
                Optional.of("/lib64/ld-linux-x86-64.so.2"),
                ElfFile.read(JDK.resolve("bin/java")).interpreter());
    }
}
