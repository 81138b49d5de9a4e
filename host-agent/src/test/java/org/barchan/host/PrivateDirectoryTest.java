package org.barchan.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PrivateDirectoryTest {
    @TempDir
    private Path parent;

    @Test
    void make_symbolicLink_isRefusedAndItsTargetLeftAlone() throws Exception {
        Path target = Files.createDirectory(parent.resolve("target"));
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path link = Files.createSymbolicLink(parent.resolve("link"), target);

        assertRefused(link, "symbolic link");

        assertEquals("rwxr-xr-x", modeOf(target));
    }

    @Test
    void make_file_isRefused() throws Exception {
        assertRefused(Files.createFile(parent.resolve("file")), "no directory");
    }

    @Test
    void make_directoryOfAnotherUser_isRefused() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "needs root for giving a directory away");
        Path other = Files.createDirectory(parent.resolve("other"));
        Files.setAttribute(other, "unix:uid", 65534);

        assertRefused(other, "belongs to user 65534");
    }

    @Test
    void make_missingOrOpen_isClosedToOthers() throws Exception {
        Path directory = parent.resolve("a/b");
        PrivateDirectory.make(directory);
        assertEquals("rwx------", modeOf(directory));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        PrivateDirectory.make(directory);
        assertEquals("rwx------", modeOf(directory));
    }

    private static void assertRefused(Path directory, String why) {
        IOException e = assertThrows(IOException.class, () -> PrivateDirectory.make(directory));
        assertTrue(String.valueOf(e.getMessage()).contains(why), e.getMessage());
    }

    private static String modeOf(Path directory) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(directory));
    }
}
