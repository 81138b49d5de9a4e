package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class FilterOptionsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``           | expected: label=KEY",
                "label        | expected: label=KEY",
                "ancestor=x   | expected: label=KEY",
                "label=       | is no key of a label",
                "label==b     | is no key of a label",
                "name=        | no name holds that",
                "name=A       | no name holds that",
                "state=       | no such state",
                "state=dead   | no such state",
                "state=unknown| no such state"
            })
    void bad_saysWhat(String text, String problem) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> parse(text));
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith("invalid value for option '--filter': '" + text + "'"), message);
        assertTrue(message.contains(problem), message);
    }

    @Test
    void all_areTaken_dockersWordsToo() {
        assertEquals(
                new SandboxFilter(
                        true,
                        List.of(
                                new SandboxFilter.Label("org.example/a", Optional.empty()),
                                new SandboxFilter.Label("b", Optional.of("c=d"))),
                        List.of("box"),
                        Set.of(SandboxState.PAUSED, SandboxState.ENDED)),
                parse("label=org.example/a", "label=b=c=d", "name=box", "state=paused", "status=exited"));
        assertEquals(new SandboxFilter(true, List.of(), List.of(), Set.of()), parse());
    }

    private static SandboxFilter parse(String... filters) {
        FilterOptions options = new FilterOptions();
        var _ = new CommandLine(options)
                .parseArgs(Arrays.stream(filters)
                        .flatMap(filter -> Stream.of("--filter", filter))
                        .toArray(String[]::new));
        return options.toFilter(true);
    }
}
