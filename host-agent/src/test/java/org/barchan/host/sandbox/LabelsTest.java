package org.barchan.host.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LabelsTest {
    @Test
    void bad_isRefused() {
        for (String key : List.of("", "-", "a-", ".a", "a b", "a=b", "a\n", "é", "a".repeat(129))) {
            assertTrue(refusal(Map.of(key, "")).startsWith("key '"), key);
        }
        assertTrue(refusal(Map.of("a", "b\u001b[2J")).contains("control character"));
        assertTrue(refusal(numbered(65)).contains("65 of them"));
        assertTrue(refusal(Map.of("a", "é".repeat(2048))).contains("4097 bytes"));
    }

    @Test
    void good_areInTheOrderOfTheKeys() {
        Labels labels = new Labels(Map.of("b", "", "a/x.y_z-0", "é =,", "a", "x".repeat(3000)));
        assertEquals(List.of("a", "a/x.y_z-0", "b"), List.copyOf(labels.values().keySet()));
        assertEquals(64, new Labels(numbered(64)).values().size());
    }

    private static Map<String, String> numbered(int count) {
        return IntStream.range(0, count)
                .mapToObj(Integer::toString)
                .collect(Collectors.toMap(Function.identity(), n -> ""));
    }

    private static String refusal(Map<String, String> values) {
        return String.valueOf(assertThrows(IllegalArgumentException.class, () -> new Labels(values))
                .getMessage());
    }
}
