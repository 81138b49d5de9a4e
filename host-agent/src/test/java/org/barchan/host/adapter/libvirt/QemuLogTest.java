package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class QemuLogTest {
    @TempDir
    private Path directory;

    private String tailOf(String text) throws Exception {
        return new QemuLog(Files.writeString(directory.resolve("log"), text)).tail();
    }

    @Test
    void tail_missingOrEmptyFile_isEmpty() throws Exception {
        assertEquals("", new QemuLog(directory.resolve("none")).tail());
        assertEquals("", tailOf(""));
    }

    @Test
    void tail_controlCharacters_areEscaped() throws Exception {
        assertEquals("\\x1b]0;x\\x07\\u202ey\n", tailOf("\u001b]0;x\u0007\u202ey\n"));
    }

    @Test
    void tail_manyLines_areTheLastTwenty() throws Exception {
        String lines = IntStream.range(0, 100).mapToObj(i -> "line " + i + "\n").collect(Collectors.joining());
        assertEquals(20, tailOf(lines).lines().count());
        assertTrue(tailOf(lines).startsWith("line 80\n"));
        assertTrue(tailOf(lines + "unfinished").endsWith("line 99\nunfinished\n"));
    }

    @Test
    void tail_commandLine_isLeftOut() throws Exception {
        assertEquals(
                "starting up\nqemu: no\n", tailOf("starting up\nA=B \\\n/bin/qemu \\\n-msg timestamp=on\nqemu: no\n"));
    }

    @Test
    void tail_hugeLine_isBounded() throws Exception {
        assertTrue(tailOf("x".repeat(1 << 20)).length() <= 8192 + 1);
    }
}
