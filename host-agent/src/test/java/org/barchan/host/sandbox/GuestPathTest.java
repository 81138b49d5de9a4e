package org.barchan.host.sandbox;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuestPathTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "a", "./a", "/..", "/a/../b", "/a/.", "/a/./b", "/a\0b"})
    void of_noAbsolutePath_isRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> path(text));
    }

    @Test
    void of_longerThanTheKernelTakes_isRefused() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> path("/" + "a".repeat(4095)));
        assertEquals("4096 bytes (expected: at most 4095)", e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"/, /", "//, /", "/a/, /a", "//a//b///, /a/b", "/a/..b, /a/..b", "'/a b\n', '/a b\n'"})
    void of_slashes_areOneAtATime(String text, String path) {
        assertEquals(path, path(text).toString());
    }

    @Test
    void bytes_ofANameThatIsNoText_areKept() {
        byte[] bytes = {'/', (byte) 0xFF, ' ', (byte) 0xC3};
        assertArrayEquals(bytes, GuestPath.of(bytes).bytes());
    }

    @Test
    void isAtOrBelow_comparesWholeNames() {
        assertTrue(path("/dev").isAtOrBelow("/dev"));
        assertTrue(path("/dev/x").isAtOrBelow("/dev"));
        assertFalse(path("/device").isAtOrBelow("/dev"));
    }

    private static GuestPath path(String text) {
        return GuestPath.of(text.getBytes(StandardCharsets.UTF_8));
    }
}
