package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.barchan.cli.option.DiskOption;
import org.barchan.cli.option.MountOption;
import org.barchan.cli.option.OptionParts;
import org.barchan.client.BarchanException;
import org.barchan.client.RawText;
import org.barchan.client.SandboxSpec;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * A sandbox and its command in a file, as YAML or JSON. Each long option of {@code barchan run} is a key, and {@code command} is the
 * command; what a value may be, its option says. For one use.
 */
final class SpecFile {
    /** The key that is no option. */
    static final String COMMAND = "command";

    /** Options that are not about the sandbox or its command. */
    private static final Set<String> NO_KEYS =
            Set.of("file", "help", "output", "verbose", "export-changes", "shell", "timing");

    /** Options whose value is a path of the host: it is as seen from the file. */
    private static final Set<String> PATHS = Set.of("root", "kernel", "kernel-modules", "include-file");

    /** Options that are mounts in the end. */
    private static final Set<String> MOUNTS = Set.of("mount", "include", "include-file");

    /** Options whose value has parts, which can be a mapping here. */
    static final Set<String> IN_PARTS = Set.of("mount", "disk");

    /** Options whose value is NAME=VALUE, which can be a mapping of all of them here. */
    static final Set<String> PAIRS = Set.of("env", "label");

    private static final int MAX_CODE_POINTS = 4 << 20;
    private static final String BASE64 = "base64";

    private final String name;
    private final Caller caller;
    private final UserDatabase users;
    private final List<Setting> settings = new ArrayList<>();
    private final List<String> command = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    private SpecFile(String name, Caller caller, UserDatabase users) {
        this.name = name;
        this.caller = caller;
        this.users = users;
    }

    /** A word of a command line: an option with its value. */
    private record Setting(OptionSpec option, String word) {}

    /** Returns the options that are keys, by key. */
    static Map<String, OptionSpec> keys() {
        Map<String, OptionSpec> keys = new LinkedHashMap<>();
        for (OptionSpec option : new CommandLine(new RunVerb()).getCommandSpec().options()) {
            String key = option.longestName().substring(2);
            if (!option.hidden() && !NO_KEYS.contains(key)) {
                keys.put(key, option);
            }
        }
        return keys;
    }

    /**
     * Returns a command line in which the words of a file stand before those that are there; options that can be given once, and the
     * command, are the command line's where that has them.
     *
     * @param parsed the command line
     * @throws IllegalArgumentException with all that is wrong with the file, a line each
     */
    static List<String> expand(String file, CommandLine.ParseResult parsed, Caller caller, UserDatabase users) {
        SpecFile spec = read(file, caller, users);
        List<String> words = new ArrayList<>();
        for (Setting setting : spec.settings) {
            if (setting.option().isMultiValue()
                    || !parsed.hasMatchedOption(setting.option().longestName())) {
                words.add(setting.word());
            }
        }
        List<String> positionals = parsed.matchedPositionals().stream()
                .flatMap(positional -> positional.originalStringValues().stream())
                .toList();
        List<String> arguments = parsed.originalArgs();
        List<String> options = new ArrayList<>(arguments.subList(0, arguments.size() - positionals.size()));
        if (!options.isEmpty() && options.getLast().equals("--")) {
            options.removeLast();
        }
        words.addAll(options);
        words.add("--");
        words.addAll(positionals.isEmpty() ? spec.command : positionals);
        return words;
    }

    private static SpecFile read(String file, Caller caller, UserDatabase users) {
        boolean stdin = file.equals("-");
        String path = caller.absolute(file);
        Caller there = stdin
                ? caller
                : new Caller(
                        caller.environment(),
                        path.lastIndexOf('/') == 0 ? "/" : path.substring(0, path.lastIndexOf('/')),
                        caller.identity(),
                        caller.ignoredSignals(),
                        caller.terminal());
        SpecFile spec = new SpecFile(stdin ? "standard input" : file, there, users);
        spec.read(stdin ? Optional.empty() : Optional.of(path));
        if (!spec.problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", spec.problems));
        }
        return spec;
    }

    private void read(Optional<String> path) {
        try {
            byte[] bytes = path.isPresent() ? Files.readAllBytes(Path.of(path.get())) : System.in.readAllBytes();
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            LoadSettings load = LoadSettings.builder()
                    .setLabel(name)
                    .setCodePointLimit(MAX_CODE_POINTS)
                    .build();
            Optional<Node> root = new Compose(load).composeString(text);
            if (root.isPresent() && root.get() instanceof MappingNode mapping) {
                document(mapping);
            } else {
                problems.add(name + ": " + (root.isEmpty() ? "it is empty" : "it is no mapping")
                        + " (expected: keys and values, for example 'command: [uname, -a]')");
            }
        } catch (NoSuchFileException e) {
            problems.add(name + ": there is no such file (expected: a sandbox as YAML or JSON)");
        } catch (CharacterCodingException e) {
            problems.add(name + ": it is not in UTF-8 (write other bytes as {base64: ...})");
        } catch (IOException e) {
            problems.add(name + ": it can't be read: " + e.getMessage());
        } catch (MarkedYamlEngineException e) {
            problems.add(e.getProblemMark().map(this::place).orElse(name + ": ")
                    + (e.getContext() == null ? "" : e.getContext() + ": ")
                    + e.getProblem());
        } catch (YamlEngineException e) {
            problems.add(name + ": " + e.getMessage());
        }
    }

    private void document(MappingNode mapping) {
        Map<String, OptionSpec> keys = keys();
        Set<String> seen = new HashSet<>();
        for (NodeTuple tuple : mapping.getValue()) {
            Optional<String> key = text(tuple.getKeyNode());
            if (key.isEmpty()) {
                continue;
            }
            OptionSpec option = keys.get(key.get());
            if (!seen.add(key.get())) {
                wrong(tuple.getKeyNode(), "'" + key.get() + "' is there twice");
            } else if (key.get().equals(COMMAND)) {
                items(tuple.getValueNode()).forEach(item -> text(item).ifPresent(command::add));
            } else if (option == null) {
                List<String> known = new ArrayList<>(keys.keySet());
                known.add(COMMAND);
                wrong(
                        tuple.getKeyNode(),
                        "unknown key '" + key.get() + "'"
                                + Spelling.nearest(key.get(), known)
                                        .map(near -> ": did you mean '" + near + "'?")
                                        .orElse(" (expected: a long option of 'barchan run', or command)"));
            } else {
                option(key.get(), option, tuple.getValueNode());
            }
        }
    }

    private void option(String key, OptionSpec option, Node node) {
        if (option.arity().max() == 0) {
            flag(option, node);
        } else if (PAIRS.contains(key) && node instanceof MappingNode variables) {
            for (NodeTuple variable : variables.getValue()) {
                text(variable.getKeyNode())
                        .ifPresent(name -> (isNull(variable.getValueNode())
                                        ? Optional.of(name)
                                        : text(variable.getValueNode()).map(value -> name + "=" + value))
                                .ifPresent(word -> setting(key, option, variable.getKeyNode(), word)));
            }
        } else if (option.isMultiValue()) {
            for (Node item : items(node)) {
                (IN_PARTS.contains(key)
                                        && item instanceof MappingNode parts
                                        && base64(item).isEmpty()
                                ? parts(parts)
                                : text(item))
                        .ifPresent(value -> setting(key, option, item, value));
            }
        } else {
            text(node).ifPresent(value -> setting(key, option, node, value));
        }
    }

    private void flag(OptionSpec option, Node node) {
        String value = node instanceof ScalarNode scalar ? scalar.getValue() : "";
        if (value.equals("true")) {
            settings.add(new Setting(option, option.longestName()));
        } else if (!value.equals("false")) {
            wrong(node, option.longestName().substring(2) + ": '" + value + "' (expected: true or false)");
        }
    }

    /** Returns parts as an option has them. */
    private Optional<String> parts(MappingNode parts) {
        List<String> words = new ArrayList<>();
        for (NodeTuple part : parts.getValue()) {
            Optional<String> key = text(part.getKeyNode());
            Optional<String> value = text(part.getValueNode());
            if (key.isEmpty() || value.isEmpty()) {
                return Optional.empty();
            }
            words.add(key.get() + "=" + value.get());
        }
        return Optional.of(OptionParts.join(words));
    }

    /** Tries a value by itself, so that what is wrong with it is said with its place. */
    private void setting(String key, OptionSpec option, Node node, String value) {
        String word =
                option.longestName() + "=" + (PATHS.contains(key) && !value.isEmpty() ? caller.absolute(value) : value);
        try {
            RunVerb verb = new RunVerb();
            CommandLineRunner.configure(new CommandLine(verb)).parseArgs(word, "--", "true");
            SandboxSpec sandbox = verb.spec(caller, users).sandbox();
            // Paths as they are seen from here, not from where the caller is.
            if (MOUNTS.contains(key)) {
                OptionSpec mount = requireMount(keys());
                sandbox.mounts()
                        .forEach(made ->
                                settings.add(new Setting(mount, mount.longestName() + "=" + MountOption.text(made))));
            } else if (key.equals("disk")) {
                sandbox.disks()
                        .forEach(made ->
                                settings.add(new Setting(option, option.longestName() + "=" + DiskOption.text(made))));
            } else {
                settings.add(new Setting(option, word));
            }
        } catch (ParameterException | IllegalArgumentException | BarchanException e) {
            wrong(node, String.valueOf(e.getMessage()));
        }
    }

    private static OptionSpec requireMount(Map<String, OptionSpec> keys) {
        return Objects.requireNonNull(keys.get("mount"));
    }

    private static List<Node> items(Node node) {
        return node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
    }

    private static boolean isNull(Node node) {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
    }

    /** Returns the text of a scalar as it stands there, whatever YAML takes it for; empty, and a problem, where it is none. */
    private Optional<String> text(Node node) {
        if (isNull(node) && node instanceof ScalarNode scalar && scalar.getScalarStyle() == ScalarStyle.PLAIN) {
            wrong(node, "no value (expected: text; empty text is \"\")");
            return Optional.empty();
        }
        if (node instanceof ScalarNode scalar) {
            return scalar.getTag().equals(Tag.BINARY) ? bytes(node, scalar.getValue()) : Optional.of(scalar.getValue());
        }
        Optional<ScalarNode> base64 = base64(node);
        if (base64.isPresent()) {
            return bytes(node, base64.get().getValue());
        }
        wrong(
                node,
                "a " + (node instanceof MappingNode ? "mapping" : "list")
                        + " (expected: text, or bytes as {base64: ...})");
        return Optional.empty();
    }

    /** Returns what {base64: ...} holds; empty where a node is something else. */
    private static Optional<ScalarNode> base64(Node node) {
        return node instanceof MappingNode mapping
                        && mapping.getValue().size() == 1
                        && mapping.getValue().getFirst().getKeyNode() instanceof ScalarNode key
                        && key.getValue().equals(BASE64)
                        && mapping.getValue().getFirst().getValueNode() instanceof ScalarNode value
                ? Optional.of(value)
                : Optional.empty();
    }

    private Optional<String> bytes(Node node, String base64) {
        try {
            return Optional.of(RawText.decode(Base64.getMimeDecoder().decode(base64)));
        } catch (IllegalArgumentException e) {
            wrong(node, "no base64: " + e.getMessage());
            return Optional.empty();
        }
    }

    private void wrong(Node node, String problem) {
        problems.add(node.getStartMark().map(this::place).orElse(name + ": ")
                + Character.toLowerCase(problem.charAt(0))
                + problem.substring(1));
    }

    private String place(Mark mark) {
        return name + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1) + ": ";
    }
}
