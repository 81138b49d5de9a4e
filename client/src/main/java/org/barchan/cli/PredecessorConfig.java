package org.barchan.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.barchan.cli.option.OptionParts;
import org.barchan.client.BarchanException;
import picocli.CommandLine;

/**
 * A sandbox as libvirt-sandbox 0.2 to 0.8 saves it: groups with keys, in the form that GLib calls a key file. Each key is taken into a
 * command line, or said to be none of Barchan's. For one use.
 */
final class PredecessorConfig {
    private static final String MOUNT_TYPE = "GVirSandboxConfigMount";

    private final String name;
    private final Map<String, Map<String, String>> groups = new LinkedHashMap<>();
    private final List<String> words = new ArrayList<>();
    private final List<String> lost = new ArrayList<>();

    /** @throws IllegalArgumentException with the lines that are no key file */
    PredecessorConfig(String name, String text) {
        this.name = name;
        List<String> problems = new ArrayList<>();
        String group = "";
        int number = 0;
        for (String line : text.split("\r?\n", -1)) {
            number++;
            int equals = line.indexOf('=');
            if (line.startsWith("[") && line.stripTrailing().endsWith("]")) {
                group = line.strip().substring(1, line.strip().length() - 1);
            } else if (equals > 0 && !group.isEmpty() && !line.startsWith("#")) {
                groups.computeIfAbsent(group, any -> new LinkedHashMap<>())
                        .put(
                                line.substring(0, equals).strip(),
                                unescaped(line.substring(equals + 1).stripLeading()));
            } else if (!line.isBlank() && !line.startsWith("#")) {
                problems.add(
                        name + ":" + number + ":1: '" + line + "' (expected: [GROUP], KEY=VALUE or # and a comment)");
            }
        }
        if (problems.isEmpty() && groups.isEmpty()) {
            problems.add(name + ": it is empty (expected: a configuration of virt-sandbox)");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
    }

    private static String unescaped(String value) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\' && i + 1 < value.length()) {
                i++;
                c = switch (value.charAt(i)) {
                    case 's' -> ' ';
                    case 'n' -> '\n';
                    case 't' -> '\t';
                    case 'r' -> '\r';
                    default -> value.charAt(i);
                };
            }
            text.append(c);
        }
        return text.toString();
    }

    /**
     * Returns it as a file for {@code barchan run --file}.
     *
     * @param partial whether what can't be expressed is a comment; else it is an error
     * @throws IllegalArgumentException with all that can't be expressed
     */
    String yaml(boolean partial, Caller caller, UserDatabase users) throws BarchanException {
        takeCore();
        takeIdentity();
        takeNumbered("mount", this::takeMount);
        takeNumbered("disk", this::takeDisk);
        takeNumbered("env", this::takeVariable);
        List<String> command = takeCommand();
        take("api", "class");
        take("api", "version");
        groups.forEach((group, keys) -> keys.forEach((key, value) -> lost.add("[" + group + "] " + key + "=" + value)));
        if (!lost.isEmpty() && !partial) {
            throw new IllegalArgumentException(name + ": Barchan has nothing for\n  " + String.join("\n  ", lost)
                    + "\nTake that out, or use --partial to have it in comments");
        }
        words.add("--");
        words.addAll(command.isEmpty() ? List.of() : command);
        RunVerb verb = new RunVerb();
        CommandLineRunner.configure(new CommandLine(verb)).parseArgs(words.toArray(String[]::new));
        StringBuilder text = new StringBuilder();
        lost.forEach(line -> text.append("# not converted: ")
                .append(line.replace("\n", "\\n"))
                .append('\n'));
        return text.append(verb.document(caller, users).yaml()).toString();
    }

    private void takeCore() {
        option("--name", take("core", "name"));
        option("--root", take("core", "root").filter(root -> !root.equals("/")));
        option("--kernver", take("core", "kernrelease"));
        option("--kernpath", take("core", "kernpath"));
        option("--kmodpath", take("core", "kmodpath"));
        // Each sandbox has one of its own.
        take("core", "uuid");
        keep("core", "arch", "x86_64");
        keep("core", "shell", "false");
        keep("core", "tty", "false");
        keep("security", "dynamic", "false");
    }

    private void takeIdentity() {
        Optional<String> uid = take("identity", "uid");
        Optional<String> gid = take("identity", "gid");
        if (uid.isPresent()) {
            if (uid.get().equals("0")) {
                words.add("--privileged");
            } else {
                option("--user", Optional.of(uid.get() + ":" + gid.orElse(uid.get())));
            }
        }
        take("identity", "username").ifPresent(user -> {
            option("--env", Optional.of("USER=" + user));
            option("--env", Optional.of("LOGNAME=" + user));
        });
        option("--env", take("identity", "homedir").map(home -> "HOME=" + home));
    }

    private interface Taker {
        void take(String group);
    }

    private void takeNumbered(String kind, Taker taker) {
        for (int i = 0; groups.containsKey(kind + "." + i); i++) {
            taker.take(kind + "." + i);
        }
    }

    private void takeVariable(String group) {
        Optional<String> key = take(group, "key");
        Optional<String> value = take(group, "value");
        option("--env", key.map(variable -> variable + "=" + value.orElse("")));
    }

    private void takeMount(String group) {
        Map<String, String> keys = groups.getOrDefault(group, Map.of());
        String type = keys.getOrDefault("type", "");
        String target = keys.getOrDefault("target", "");
        Optional<List<String>> parts = Optional.ofNullable(
                switch (type.startsWith(MOUNT_TYPE) ? type.substring(MOUNT_TYPE.length()) : "") {
                    case "HostBind" -> List.of("type=bind", "src=" + keys.getOrDefault("source", ""), "rw");
                    case "HostImage" -> image("type=image", keys);
                    case "GuestBind" -> List.of("type=guest-bind", "src=" + keys.getOrDefault("source", ""));
                    case "Ram" -> List.of("type=tmpfs", "size=" + keys.getOrDefault("usage", ""));
                    default -> null;
                });
        if (parts.isEmpty()) {
            return;
        }
        List.of("type", "target", "source", "usage", "format").forEach(key -> take(group, key));
        List<String> all = new ArrayList<>(parts.get());
        all.add(1, "dst=" + target);
        option("--mount", Optional.of(OptionParts.join(all)));
        takeNumbered(group + ".include", include -> {
            Optional<String> inside = take(include, "dst");
            Optional<String> source = take(include, "src");
            option(
                    "--include",
                    inside.map(path -> (target + "/" + path).replaceAll("/+", "/") + "=" + source.orElse(path)));
        });
    }

    private void takeDisk(String group) {
        Map<String, String> keys = groups.getOrDefault(group, Map.of());
        if (keys.getOrDefault("type", "file").equals("file")) {
            option("--disk", Optional.of(OptionParts.join(image("tag=" + keys.getOrDefault("tag", ""), keys))));
            List.of("type", "tag", "source", "format").forEach(key -> take(group, key));
        }
    }

    /** Its format was taken from the name where none is given. */
    private static List<String> image(String first, Map<String, String> keys) {
        return List.of(
                first, "src=" + keys.getOrDefault("source", ""), "format=" + keys.getOrDefault("format", "auto"), "rw");
    }

    private List<String> takeCommand() {
        List<String> command = new ArrayList<>();
        for (Optional<String> word = take("command", "argv.0");
                word.isPresent();
                word = take("command", "argv." + command.size())) {
            command.add(word.get());
        }
        return command;
    }

    private void option(String option, Optional<String> value) {
        value.ifPresent(text -> words.add(option + "=" + text));
    }

    /** Takes a key if it says what is so anyway. */
    private void keep(String group, String key, String value) {
        if (value.equals(groups.getOrDefault(group, Map.of()).get(key))) {
            take(group, key);
        }
    }

    private Optional<String> take(String group, String key) {
        return Optional.ofNullable(
                groups.getOrDefault(group, new LinkedHashMap<>()).remove(key));
    }
}
