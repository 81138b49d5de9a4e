package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The man pages that the build has made, as groff formats them. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class ManPagesIT {
    private static final Path PAGES = Path.of("target/man/man1");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    static Stream<CommandSpec> commands() {
        return withVerbs(RootCommand.create().getCommandSpec());
    }

    private static Stream<CommandSpec> withVerbs(CommandSpec command) {
        return Stream.concat(
                Stream.of(command),
                // One that has several names is there once for each.
                command.subcommands().values().stream().distinct().flatMap(verb -> withVerbs(verb.getCommandSpec())));
    }

    @Test
    void badPage_isWarnedOf() throws Exception {
        Path bad = Files.writeString(directory.resolve("bad.1"), ".TH X 1\n.SH NAME\n.NOSUCHMACRO\n");
        assertTrue(groff(bad).err().contains("NOSUCHMACRO"));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void page_ofEachVerb_hasAllThatItTakes(CommandSpec command) throws Exception {
        Command.Result formatted = groff(page(command));
        assertEquals("", formatted.err());
        String text = squeeze(formatted.out());
        for (String needed : needed(command)) {
            assertTrue(text.contains(squeeze(needed)), () -> "no '" + needed + "' in: " + text);
        }
    }

    @Test
    void pages_areOfVerbsAlone() throws Exception {
        try (Stream<Path> pages = Files.list(PAGES)) {
            assertEquals(
                    commands().map(ManPagesIT::page).sorted().toList(),
                    pages.sorted().toList());
        }
    }

    @Test
    void sections_thatOnlyPeopleWrite_areThere() throws Exception {
        for (CommandSpec command : commands().toList()) {
            String text = groff(page(command)).out();
            for (String section : List.of("EXIT STATUS", "EXAMPLES", "SEE ALSO")) {
                assertTrue(text.contains("\n" + section + "\n"), () -> "no section " + section + " in: " + text);
            }
        }
        String root = groff(PAGES.resolve("barchan.1")).out();
        for (String entry : List.of("\nENVIRONMENT\n", "\nFILES\n", "BARCHAN_STATE_DIR", "BARCHAN_RUNTIME_DIR")) {
            assertTrue(root.contains(entry), () -> "no " + entry + " in: " + root);
        }
    }

    /** Returns what a page has to name: each option, argument, verb and exit status, with what is said of it. */
    private static List<String> needed(CommandSpec command) {
        List<String> needed = new ArrayList<>(List.of(command.usageMessage().description()));
        for (OptionSpec option : command.options()) {
            if (!option.hidden()) {
                needed.add(String.join(", ", option.names())
                        + (option.arity().max() == 0
                                ? ""
                                : option.arity().min() == 0
                                        ? "[=" + option.paramLabel() + "]"
                                        : "=" + option.paramLabel()));
                needed.addAll(List.of(option.description()));
            }
        }
        for (PositionalParamSpec argument : command.positionalParameters()) {
            if (!argument.hidden()) {
                needed.add(argument.paramLabel());
                needed.addAll(List.of(argument.description()));
            }
        }
        command.usageMessage().exitCodeList().forEach((status, meaning) -> needed.add(status + " " + meaning));
        command.subcommands().values().stream()
                .distinct()
                .map(CommandLine::getCommandSpec)
                .forEach(verb -> needed.add(String.join(", ", verb.names()) + " " + summary(verb)));
        return needed;
    }

    private static String summary(CommandSpec verb) {
        String[] header = verb.usageMessage().header();
        return header.length > 0 ? header[0] : verb.usageMessage().description()[0];
    }

    private static Path page(CommandSpec command) {
        return PAGES.resolve(command.qualifiedName("-") + ".1");
    }

    private static String squeeze(String text) {
        return text.replace("%n", " ").replaceAll("\\s+", " ");
    }

    /** Formats a page as plain text, with all warnings on standard error. */
    private static Command.Result groff(Path page) throws Exception {
        Process groff = new ProcessBuilder("groff", "-man", "-ww", "-Tascii", "-P-cbou", page.toString()).start();
        groff.getOutputStream().close();
        byte[] text = groff.getInputStream().readAllBytes();
        byte[] warnings = groff.getErrorStream().readAllBytes();
        return new Command.Result(groff.waitFor(), text, warnings);
    }
}
