package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.barchan.client.Identity;
import org.barchan.client.RunSpec;
import org.barchan.client.TerminalSize;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

final class SpecFileTest {
    private static final Identity SELF = new Identity(1000, 100, List.of(4L), false);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    private final Caller caller = new Caller(
            Map.of("HOME", "/home/me", "USER", "me", "OWN", "mine"), "/a dir", SELF, 0, TerminalSize.UNKNOWN);

    @BeforeEach
    void writeUsers() throws IOException {
        Files.writeString(
                directory.resolve("passwd"), "root:x:0:0:root:/root:/bin/sh\nme:x:1000:100::/home/me:/bin/sh\n");
        Files.writeString(directory.resolve("group"), "root:x:0:\nusers:x:100:\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "|it is empty (expected: keys and values",
                "- a|it is no mapping",
                "memory: 0|:1:9: invalid value for option '--memory': '0'",
                "memory: [1G]|:1:9: a list (expected: text",
                "memory: {a: b}|:1:9: a mapping (expected: text",
                "memory:|:1:8: no value",
                "memroy: 1G|:1:1: unknown key 'memroy': did you mean 'memory'?",
                "something: 1|:1:1: unknown key 'something' (expected: a long option of 'barchan run', or command)",
                "output: json|:1:1: unknown key 'output'",
                "file: x|:1:1: unknown key 'file'",
                "privileged: yes|:1:13: privileged: 'yes' (expected: true or false)",
                "vcpus: 1\\nvcpus: 2|:2:1: 'vcpus' is there twice",
                "mount: [{type: bind, src: /a}]|:1:9: invalid value for option '--mount'",
                "mount: [{type: bind, src: /a, dst: b}]|absolute",
                "mount: [{type: bind, src: [a]}]|:1:27: a list (expected: text",
                "env: {=: b}|names no variable",
                "label: {a b: c}|is no key of a label",
                "label: [{base64: YT3/}]|is no text",
                "ulimit: [core=0, nofile]|:1:18: invalid value for option '--ulimit'",
                "nice: 20|:1:7: invalid value for option '--nice': 20",
                "user: nobody-here|:1:7: invalid value for option '--user'",
                "command: [a, {base64: '='}, {base64: '!'}, [b]]|:1:44: a list",
                "a: b: c|mapping values are not allowed",
                "a: 'b|:1:6: ",
                "a: b\\n--- \\nc: d|expected a single document",
                "\u0000|special characters are not allowed",
            })
    void expand_bad_saysWhatAndWhere(String text, String problem) throws Exception {
        String message = refused(text == null ? "" : text.replace("\\n", "\n"));

        assertTrue(message.contains(problem), message);
    }

    @Test
    void expand_manyErrors_areAllSaid() throws Exception {
        String message = refused("memory: 1\nvcpus: 0\nnmae: x\nmount: [ram:/a, 'type=tmpfs,dst=/b']\n");

        assertEquals(4, message.lines().count(), message);
        assertTrue(message.lines().allMatch(line -> line.matches("spec.yaml:[1-4]:[0-9]+: .*")), message);
    }

    @Test
    void expand_fileThatIsNotThereOrNoText_isNamed() throws Exception {
        assertTrue(message(List.of("-f", "/nonexistent/spec", "--", "ls"))
                .contains("/nonexistent/spec: there is no such file"));
        Files.write(directory.resolve("spec.yaml"), new byte[] {'a', ':', ' ', (byte) 0xFF});
        assertTrue(message(List.of("-f", "spec.yaml")).contains("it is not in UTF-8"));
    }

    @Test
    void expand_everything_isAsByOptions() throws Exception {
        String yaml = """
                name: box
                label: {team: a=b, bare: }
                memory: 1G
                vcpus: 2
                root: root
                root-mode: overlay=2M
                expose-host-root: true
                debug: false
                mount:
                  - {type: bind, src: 'a,"b', dst: /c, rw: true}
                  - type=tmpfs,dst=/d,size=1M
                  - ram:/e=1M
                include: [/etc/x=x]
                kernel-arg: nosmt
                env: {A: 1, OWN: , B: "x y\\n"}
                cwd: /usr
                privileged: true
                timeout: 90
                ulimit: [nofile=10:20, core=0]
                nice: -5
                keep: true
                command: [printf, {base64: /w==}, !!binary "/w==", "", 0x10]
                """;

        RunSpec expected = parse(List.of(
                "--name",
                "box",
                "--label",
                "team=a=b",
                "--label",
                "bare",
                "--memory",
                "1G",
                "--vcpus",
                "2",
                "--root",
                directory + "/root",
                "--root-mode",
                "overlay=2M",
                "--expose-host-root",
                "-m",
                "type=bind,\"src=" + directory + "/a,\"\"b\",dst=/c,rw",
                "-m",
                "type=tmpfs,dst=/d,size=1M",
                "-m",
                "ram:/e=1M",
                "-i",
                "/etc/x=" + directory + "/x",
                "--kernel-arg",
                "nosmt",
                "-e",
                "A=1",
                "-e",
                "OWN",
                "-e",
                "B=x y\n",
                "--cwd",
                "/usr",
                "-p",
                "--timeout",
                "90",
                "--ulimit",
                "core=0",
                "--ulimit",
                "nofile=10:20",
                "--nice=-5",
                "--keep",
                "--",
                "printf",
                "\udcff",
                "\udcff",
                "",
                "0x10"));

        assertEquals(expected, parse(expand(yaml)));
    }

    @Test
    void expand_commandLine_comesFirst() throws Exception {
        List<String> words = expand(
                "memory: 1G\nmount: [ram:/a=1M]\nenv: [A=1]\ncommand: [ls]\n",
                "--memory",
                "2G",
                "-m",
                "ram:/b=1M",
                "-e",
                "A=2",
                "--",
                "id",
                "-u");

        assertEquals(
                parse(List.of("--memory", "2G", "-m", "ram:/a=1M", "-m", "ram:/b=1M", "-e", "A=2", "--", "id", "-u")),
                parse(words));
        assertEquals(
                List.of("ls"),
                parse(expand("command: ls\n", "--vcpus", "1")).process().command());
    }

    @Test
    void expand_json_isYaml() throws Exception {
        assertEquals(
                parse(List.of("--vcpus", "2", "-p", "--", "ls", "é\t")),
                parse(expand("{\"vcpus\": 2, \"privileged\": true, \"command\": [\"ls\", \"\\u00e9\\t\"]}")));
    }

    @Test
    void expand_disks_areAsSeenFromTheFile() throws Exception {
        assertEquals(
                List.of("--disk=tag=a,src=" + directory + "/d.qcow2,rw", "--disk=tag=b,src=/e,rw"),
                expand("disk: [{tag: a, src: d.qcow2, rw: true}, 'file:b=/e']\ncommand: ls\n")
                        .subList(0, 2));
    }

    @Test
    void document_hasEachOptionThatIsAKey() throws Exception {
        List<String> words = new ArrayList<>(List.of(
                "--name",
                "box",
                "--label",
                "a=b",
                "--max-lifetime",
                "1d",
                "--idle-timeout",
                "1.5",
                "--memory",
                "1G",
                "--vcpus",
                "2",
                "--root",
                "/r",
                "--root-mode",
                "overlay",
                "--expose-host-root",
                "--root-transport",
                "9p",
                "-m",
                "ram:/a=1M",
                "--disk",
                "tag=a,src=/d",
                "--kernel",
                "/k",
                "--kernel-modules",
                "/m",
                "--kernel-arg",
                "a",
                "--accel",
                "tcg",
                "-c",
                "qemu:///system",
                "--debug",
                "--no-template",
                "-e",
                "A",
                "--clear-env",
                "--cwd",
                "/",
                "--user",
                "me",
                "--timeout",
                "1.5",
                "--ulimit",
                "nofile=1",
                "--nice",
                "5",
                "--oom-score-adj",
                "5",
                "--tty",
                "--keep",
                "--rm",
                "--interactive",
                "--detach-keys",
                "ctrl-x,x",
                "--log-limit",
                "2M",
                "--log-policy",
                "block",
                "--publish",
                "8080:80"));
        Set<String> expected = new HashSet<>(SpecFile.keys().keySet());
        // They are others in the end: mounts, a kernel.
        expected.removeAll(Set.of("include", "include-file", "kernel-release"));
        expected.add(SpecFile.COMMAND);
        Set<String> keys = new HashSet<>(document(with(words, "ls")).keys());
        keys.addAll(document(List.of("-p", "--detach", "--", "ls")).keys());

        assertEquals(expected, keys);
    }

    @Test
    void schema_hasEachKey() {
        JsonObject schema = JsonParser.parseString(SpecSchema.text()).getAsJsonObject();
        Set<String> expected = new HashSet<>(SpecFile.keys().keySet());
        expected.add(SpecFile.COMMAND);

        assertEquals(expected, schema.getAsJsonObject("properties").keySet());
        JsonObject properties = schema.getAsJsonObject("properties");
        assertEquals(
                "boolean", properties.getAsJsonObject("privileged").get("type").getAsString());
        assertEquals(
                2, properties.getAsJsonObject("mount").getAsJsonArray("anyOf").size());
        assertEquals(
                3, properties.getAsJsonObject("env").getAsJsonArray("anyOf").size());
        assertFalse(schema.get("additionalProperties").getAsBoolean());
    }

    @Test
    void document_ofAnyOptions_givesThemBack() throws Exception {
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            List<String> words = randomWords(random);
            RunSpec spec = parse(words);
            SpecDocument document = document(words);
            assertEquals(spec, parse(expand(document.yaml())), document::yaml);
            assertEquals(spec, parse(expand(document.json())), document::json);
        }
    }

    private static List<String> randomWords(Random random) {
        String[] texts = {
            "a",
            "",
            " ",
            "é",
            "\n",
            "'",
            "\"",
            ",",
            "\udc80\udcff",
            "true",
            "null",
            "~",
            "0x1",
            "- a",
            "#",
            "\t\u0001",
            "😀",
            ":"
        };
        List<String> words = new ArrayList<>();
        String[][] options = {
            {"--vcpus", "3"},
            {"--memory", "256M"},
            {"--root-mode", "overlay=1M"},
            {"--accel", "kvm"},
            {"--timeout", "0.25"},
            {"--user", "me:users"},
            {"--clear-env"},
            {"--keep"},
            {"--detach", "--rm", "--log-limit=2M", "--log-policy=spill"},
            {"--interactive"},
            {"--detach-keys=ctrl-x,x"},
            {"--publish", "0:80", "--publish", "[::1]:1:2/tcp"},
            {"--debug"},
            {"--ulimit", "nofile=1:2", "--ulimit", "memlock=unlimited", "--ulimit", "nofile=7:-1", "--nice=-20"},
            {"--oom-score-adj=-1000"},
            {"--root-transport", "virtiofs"}
        };
        for (String[] option : options) {
            if (random.nextBoolean()) {
                words.addAll(Arrays.asList(option));
            }
        }
        for (int n = random.nextInt(3); n > 0; n--) {
            String text = texts[random.nextInt(texts.length)];
            words.addAll(List.of(
                    "-m", "type=bind,\"src=/s" + text.replace("\"", "\"\"") + "\",dst=/d" + n + ",overlay,size=1M"));
            words.addAll(List.of("-e", "V" + n + "=" + text));
            words.addAll(List.of("--root", "/r" + text).subList(0, n == 1 ? 2 : 0));
        }
        words.addAll(List.of("--", "printf"));
        for (int n = random.nextInt(4); n > 0; n--) {
            words.add(texts[random.nextInt(texts.length)] + texts[random.nextInt(texts.length)]);
        }
        return words;
    }

    private static List<String> with(List<String> options, String... command) {
        List<String> words = new ArrayList<>(options);
        words.add("--");
        words.addAll(List.of(command));
        return words;
    }

    private List<String> expand(String text, String... arguments) throws IOException {
        Files.writeString(directory.resolve("spec.yaml"), text);
        List<String> words =
                new ArrayList<>(List.of("-f", directory.resolve("spec.yaml").toString()));
        words.addAll(List.of(arguments));
        return expand(words, caller);
    }

    private List<String> expand(List<String> words, Caller from) {
        CommandLine.ParseResult parsed =
                CommandLineRunner.configure(new CommandLine(new RunVerb())).parseArgs(words.toArray(String[]::new));
        return SpecFile.expand(parsed.matchedOptionValue("--file", ""), parsed, from, new UserDatabase(directory));
    }

    private String refused(String text) throws IOException {
        Files.writeString(directory.resolve("spec.yaml"), text);
        return message(List.of("-f", "spec.yaml"));
    }

    private String message(List<String> arguments) {
        Caller here = new Caller(caller.environment(), directory.toString(), SELF, 0, TerminalSize.UNKNOWN);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> expand(arguments, here));
        return String.valueOf(e.getMessage());
    }

    private RunSpec parse(List<String> words) throws Exception {
        return verb(words).spec(caller, new UserDatabase(directory));
    }

    private SpecDocument document(List<String> words) throws Exception {
        return verb(words).document(caller, new UserDatabase(directory));
    }

    private static RunVerb verb(List<String> words) {
        RunVerb verb = new RunVerb();
        CommandLineRunner.configure(new CommandLine(verb)).parseArgs(words.toArray(String[]::new));
        return verb;
    }
}
