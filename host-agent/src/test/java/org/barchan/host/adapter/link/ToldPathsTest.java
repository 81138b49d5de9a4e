package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class ToldPathsTest {
    @Test
    void pathsThatWereAdded_areFound_andNoOthers() {
        ToldPaths paths = new ToldPaths(1000);
        assertFalse(paths.contains("a"));
        for (int i = 0; i < 1000; i++) {
            assertTrue(paths.add("a/" + i));
        }
        for (int i = 0; i < 2000; i++) {
            assertEquals(i < 1000, paths.contains("a/" + i));
        }
    }

    @Test
    void moreThanItTakes_areNotAdded_butThoseThatAreThere() {
        ToldPaths paths = new ToldPaths(2);
        assertTrue(paths.add("a") && paths.add("b") && paths.add("a"));
        assertFalse(paths.add("c"));
        assertFalse(paths.contains("c"));
        assertTrue(paths.add("b"));
    }

    @Test
    void pathBelow_isSeen() {
        ToldPaths paths = new ToldPaths(10);
        assertFalse(paths.containsAtOrAbove("a"));
        assertTrue(paths.add("a/b"));
        assertTrue(paths.containsAtOrAbove("a/b"));
        assertTrue(paths.containsAtOrAbove("a/b/c/d"));
        assertFalse(paths.containsAtOrAbove("a"));
        assertFalse(paths.containsAtOrAbove("a/bc"));
        assertFalse(paths.containsAtOrAbove("x/a/b"));
    }
}
