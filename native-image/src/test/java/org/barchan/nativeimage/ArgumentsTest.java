package org.barchan.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ArgumentsTest {
    @TempDir
    Path directory;

    private final List<String> complete = new ArrayList<>();
    private Path jar = Path.of("");
    private Path source = Path.of("");

    @BeforeEach
    void makeFiles() throws Exception {
        jar = Files.createFile(directory.resolve("a.jar"));
        source = Files.createFile(directory.resolve("a.c"));
        Path paths = Files.writeString(directory.resolve("paths"), jar + ":" + source + "\n");
        complete.addAll(List.of(
                "--builder-path-file=" + paths,
                "--class-path=" + directory,
                "--class-path-file=" + paths,
                "--main-class=a.B",
                "--name=b",
                "--work=w",
                "--tree=t"));
    }

    @Test
    void parse_nothing_namesWhatIsMissing() {
        assertFails(List.of(), "--builder-path-file");
    }

    @Test
    void parse_mainClassTwice_fails() {
        complete.add("--main-class=c.D");
        assertFails(complete, "--main-class: [a.B, c.D]");
    }

    @Test
    void parse_wordWithoutName_fails() {
        complete.add("word");
        assertFails(complete, "argument: word");
    }

    @Test
    void parse_sourceThatDoesNotExist_fails() {
        complete.add("--object=" + directory.resolve("none.c"));
        assertFails(complete, "none.c does not exist");
    }

    @Test
    void parse_skipMaybe_fails() {
        complete.add("--skip=maybe");
        assertFails(complete, "--skip: maybe");
    }

    @Test
    void parse_complete_joinsClassPathsAndPassesOptionsOn() throws Exception {
        complete.addAll(List.of("--object=" + source, "-Os", "--initialize-at-build-time=a.B", "--skip="));
        Arguments arguments = Arguments.parse(complete);
        assertEquals(List.of(directory, jar, source), arguments.classPath());
        assertEquals(List.of(source), arguments.objects());
        assertEquals(List.of(), arguments.staticPrograms());
        assertEquals(List.of("-Os", "--initialize-at-build-time=a.B"), arguments.options());
        assertTrue(arguments.skip(), "-Dskip without a value means yes");
    }

    private static void assertFails(List<String> arguments, String message) {
        BuildException e = assertThrows(BuildException.class, () -> Arguments.parse(arguments));
        assertTrue(String.valueOf(e.getMessage()).contains(message), e::toString);
    }
}
