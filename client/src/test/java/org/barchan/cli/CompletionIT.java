package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What bash offers behind words of a command line, once it has read what {@code barchan completion} prints. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class CompletionIT {
    /** Does what bash does when Tab is pressed behind the last of $WORDS. Outside of a completion there is no compopt. */
    private static final String SCRIPT = """
            source <("$0" completion bash) || exit
            compopt() { :; }
            eval "COMP_WORDS=($WORDS)"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            read -r _ _ _ _ function name <<<"$(complete -p barchan)"
            "$function" "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "barchan nonsense|``",
                "barchan run --nonsense|``",
                "barchan ru|run",
                "barchan ''|run create start exec attach list ps inspect logs events stats top wait rename pause resume unpause stop kill signal delete rm cp diff port-forward kernels template spec convert doctor version completion help",
                "barchan run --ker|--kernel --kernel-modules --kernel-release --kernel-arg",
                "barchan doctor --|--output --help",
                "barchan template nonsense|``",
                "barchan template p|prune",
                "barchan template prune --a|--all",
                "barchan template build --accel ''|auto kvm tcg",
                "barchan run --accel ''|auto kvm tcg",
                "barchan list --output j|json",
                "barchan kill --signal HU|HUP",
                "barchan completion ''|bash zsh",
                "barchan help del|delete"
            })
    void tab_behindWords_offersWhatFits(String words, String offers) throws Exception {
        assertEquals(words(offers), complete(words));
    }

    @Test
    void offeredValues_areAccepted() throws Exception {
        for (String value : complete("barchan run --accel ''")) {
            parse(new RunVerb(), "--accel", value);
        }
        for (String value : complete("barchan list --output ''")) {
            parse(new ListVerb(), "--output", value);
        }
    }

    private static void parse(Object verb, String... arguments) {
        CommandLineRunner.configure(new CommandLine(verb)).parseArgs(arguments);
    }

    private static Set<String> complete(String words) throws Exception {
        Command.Result result = Command.shell(Map.of("WORDS", words), SCRIPT).end();
        assertEquals("", result.err());
        assertEquals(0, result.status());
        return words(result.out());
    }

    private static Set<String> words(String text) {
        return List.of(text.strip().split("\\s+")).stream().collect(Collectors.toSet());
    }
}
