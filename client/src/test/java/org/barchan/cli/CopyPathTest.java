package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the two sides of a copy are read. */
final class CopyPathTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "box:"})
    void path_thatIsNone_isRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> CopyPath.parse(text));
    }

    @ParameterizedTest
    @CsvSource({
        "box:/a/b, /a/b, b, /a",
        "box:a, /a, a, /",
        "box:/a/../../b/./c/, /b/c, c, /b",
        "box:/, /, '', /",
        "box:/srv/., /srv, srv, /"
    })
    void pathInASandbox_isAbsolute(String text, String path, String name, String parent) {
        CopyPath parsed = CopyPath.parse(text);
        assertEquals(Optional.of("box"), parsed.sandbox());
        assertEquals(path, parsed.path());
        assertEquals(name, parsed.name());
        assertEquals(parent, parsed.parent());
    }

    @ParameterizedTest
    @CsvSource({
        "./a:b, ./a:b, a:b, .",
        "/a:b, /a:b, a:b, /",
        "d/a:b, d/a:b, a:b, d",
        ":a, :a, :a, .",
        "., ., '', .",
        "a//, a, a, .",
        "/, /, '', /",
        "a/., a, a, ."
    })
    void pathOfTheHost_staysAsItIs(String text, String path, String name, String parent) {
        CopyPath parsed = CopyPath.parse(text);
        assertEquals(Optional.empty(), parsed.sandbox());
        assertEquals(path, parsed.path());
        assertEquals(name, parsed.name());
        assertEquals(parent, parsed.parent());
    }

    @Test
    void dotAtTheEnd_meansTheContents() {
        assertEquals(true, CopyPath.parse("box:/a/.").contents());
        assertEquals(true, CopyPath.parse(".").contents());
        assertEquals(false, CopyPath.parse("a/").contents());
        assertEquals(true, CopyPath.parse("a/").directory());
        assertEquals(false, CopyPath.parse("a.").contents());
    }
}
