package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class SpellingTest {
    private static final List<String> KNOWN = List.of("--memory", "--name", "--env");

    @Test
    void nearest_nothingLikeIt_isEmpty() {
        assertEquals(Optional.empty(), Spelling.nearest("--detach", KNOWN));
    }

    @Test
    void nearest_swappedLetters_isFound() {
        assertEquals(Optional.of("--memory"), Spelling.nearest("--memroy", KNOWN));
        assertEquals(Optional.of("--name"), Spelling.nearest("--nmae", KNOWN));
    }
}
