package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.barchan.client.Mount;
import org.barchan.client.MountMode;
import org.barchan.client.Transport;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads what {@code --mount} says: {@code type=bind,src=DIR,dst=DIR,rw}, as docker(1) and podman(1) have it; or, as virt-sandbox(1) had it,
 * {@code host-bind:DST=SRC}, {@code guest-bind:DST=SRC}, {@code ram:DST=SIZE}. A part that holds a comma stands in double quotes.
 */
public final class MountOption {
    private static final Map<String, String> KEYS = Map.ofEntries(
            Map.entry("type", "type"),
            Map.entry("src", "src"),
            Map.entry("source", "src"),
            Map.entry("dst", "dst"),
            Map.entry("destination", "dst"),
            Map.entry("target", "dst"),
            Map.entry("ro", "ro"),
            Map.entry("readonly", "ro"),
            Map.entry("rw", "rw"),
            Map.entry("overlay", "overlay"),
            Map.entry("size", "size"),
            Map.entry("tmpfs-size", "size"),
            Map.entry("transport", "transport"),
            Map.entry("mode", "mode"),
            Map.entry("tmpfs-mode", "mode"));
    private static final Set<String> FLAGS = Set.of("ro", "rw", "overlay");

    private final String text;
    private final Map<String, String> values = new LinkedHashMap<>();

    private MountOption(String text) {
        this.text = text;
    }

    /**
     * Parses one.
     *
     * @param absolute makes a path of the host absolute
     * @throws IllegalArgumentException with a message for the user
     */
    static Mount parse(String text, UnaryOperator<String> absolute) {
        MountOption option = new MountOption(text);
        int colon = text.indexOf(':');
        if (colon > 0 && text.substring(0, colon).matches("[a-z]+(-[a-z]+)*")) {
            return option.shortForm(text.substring(0, colon), text.substring(colon + 1), absolute);
        }
        option.readParts();
        return option.longForm(absolute);
    }

    /** Returns what {@link #parse} makes the same mount of. */
    public static String text(Mount mount) {
        List<String> parts = new ArrayList<>();
        switch (mount) {
            case Mount.HostDirectory directory -> {
                parts.addAll(List.of("type=bind", "src=" + directory.source(), "dst=" + directory.target()));
                parts.add(
                        switch (directory.mode()) {
                            case READ_ONLY -> "ro";
                            case READ_WRITE -> "rw";
                            case OVERLAY -> "overlay";
                        });
                directory.overlayBytes().ifPresent(bytes -> parts.add("size=" + bytes));
                if (directory.transport() != Transport.AUTO) {
                    parts.add("transport=" + text(directory.transport()));
                }
            }
            case Mount.Memory memory -> {
                parts.addAll(List.of("type=tmpfs", "dst=" + memory.target()));
                memory.bytes().ifPresent(bytes -> parts.add("size=" + bytes));
                memory.mode().ifPresent(mode -> parts.add("mode=" + Integer.toOctalString(mode)));
                if (memory.readOnly()) {
                    parts.add("ro");
                }
            }
            case Mount.Bind bind -> {
                parts.addAll(List.of("type=guest-bind", "src=" + bind.source(), "dst=" + bind.target()));
                if (bind.readOnly()) {
                    parts.add("ro");
                }
            }
        }
        return join(parts);
    }

    public static String text(Transport transport) {
        return switch (transport) {
            case AUTO -> "auto";
            case NINEP -> "9p";
            case VIRTIOFS -> "virtiofs";
        };
    }

    /** Puts the parts of a mount together. */
    public static String join(List<String> parts) {
        return parts.stream()
                .map(part -> part.contains(",") || part.contains("\"") ? '"' + part.replace("\"", "\"\"") + '"' : part)
                .collect(Collectors.joining(","));
    }

    private Mount shortForm(String type, String rest, UnaryOperator<String> absolute) {
        int equals = rest.indexOf('=');
        if (equals < 1) {
            throw wrong("no destination (expected: " + type + ":DST=" + (type.equals("ram") ? "SIZE" : "SRC") + ")");
        }
        String target = rest.substring(0, equals);
        String value = rest.substring(equals + 1);
        return switch (type) {
            case "host-bind" ->
                value.isEmpty()
                        ? new Mount.Memory(target, OptionalLong.empty(), OptionalInt.empty(), false)
                        : new Mount.HostDirectory(
                                target,
                                absolute.apply(value),
                                MountMode.READ_WRITE,
                                OptionalLong.empty(),
                                Transport.AUTO);
            case "guest-bind" -> new Mount.Bind(target, value, false);
            case "ram" -> new Mount.Memory(target, OptionalLong.of(size(value)), OptionalInt.empty(), false);
            default -> throw wrong("unknown type '" + type + "' (expected: host-bind, guest-bind or ram)");
        };
    }

    private Mount longForm(UnaryOperator<String> absolute) {
        String type = required("type", "bind, tmpfs or guest-bind");
        String target = required("dst", "an absolute path in the sandbox");
        return switch (type) {
            case "bind" -> {
                allow("src", "ro", "rw", "overlay", "size", "transport");
                yield new Mount.HostDirectory(
                        target,
                        absolute.apply(required("src", "a directory or file of the host")),
                        mode(),
                        size(),
                        transport());
            }
            case "tmpfs" -> {
                allow("size", "mode", "ro", "rw");
                yield new Mount.Memory(
                        target, size(), permissions(), mode(MountMode.READ_WRITE) == MountMode.READ_ONLY);
            }
            case "guest-bind" -> {
                allow("src", "ro", "rw");
                yield new Mount.Bind(
                        target,
                        required("src", "an absolute path in the sandbox"),
                        mode(MountMode.READ_WRITE) == MountMode.READ_ONLY);
            }
            default -> throw wrong("unknown type '" + type + "' (expected: bind, tmpfs or guest-bind)");
        };
    }

    private void readParts() {
        for (String part : split()) {
            int equals = part.indexOf('=');
            String given = equals < 0 ? part : part.substring(0, equals);
            String key = KEYS.get(given);
            if (key == null) {
                throw wrong("unknown part '" + given
                        + "' (expected: type, src, dst, ro, rw, overlay, size, mode or transport)");
            }
            if (equals < 0 && !FLAGS.contains(key)) {
                throw wrong("'" + given + "' has no value (expected: " + given + "=VALUE)");
            }
            String value = equals < 0 ? "true" : part.substring(equals + 1);
            if (FLAGS.contains(key) && !value.equals("true") && !value.equals("false")) {
                throw wrong(given + "=" + value + " (expected: true or false)");
            }
            if (values.putIfAbsent(key, value) != null) {
                throw wrong("'" + given + "' is there twice");
            }
        }
    }

    private List<String> split() {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' && quoted && i + 1 < text.length() && text.charAt(i + 1) == '"') {
                part.append(c);
                i++;
            } else if (c == '"' && (quoted || part.isEmpty())) {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(c);
            }
        }
        if (quoted) {
            throw wrong("a double quote is not closed");
        }
        parts.add(part.toString());
        return parts;
    }

    private MountMode mode() {
        return mode(MountMode.READ_ONLY);
    }

    private MountMode mode(MountMode otherwise) {
        List<MountMode> modes = new ArrayList<>();
        Map.of("rw", MountMode.READ_WRITE, "overlay", MountMode.OVERLAY).forEach((key, mode) -> {
            if (is(key)) {
                modes.add(mode);
            }
        });
        // As docker has it: readonly=false is read-write.
        Optional.ofNullable(values.get("ro"))
                .ifPresent(value -> modes.add(value.equals("true") ? MountMode.READ_ONLY : MountMode.READ_WRITE));
        if (modes.size() > 1) {
            throw wrong("more than one of ro, rw, overlay");
        }
        return modes.isEmpty() ? otherwise : modes.getFirst();
    }

    private boolean is(String key) {
        return "true".equals(values.get(key));
    }

    private OptionalLong size() {
        String value = values.get("size");
        return value == null ? OptionalLong.empty() : OptionalLong.of(size(value));
    }

    private long size(String value) {
        try {
            return Size.parse(value);
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    private Transport transport() {
        try {
            return new TransportConverter().convert(values.getOrDefault("transport", "auto"));
        } catch (TypeConversionException e) {
            throw wrong("transport=" + e.getMessage());
        }
    }

    private OptionalInt permissions() {
        String value = values.get("mode");
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!value.matches("0?[0-7]{1,4}")) {
            throw wrong("mode=" + value + " (expected: permission bits in octal, for example 0750)");
        }
        return OptionalInt.of(Integer.parseInt(value, 8));
    }

    private String required(String key, String expected) {
        String value = values.getOrDefault(key, "");
        if (value.isEmpty()) {
            throw wrong("no " + key + " (expected: " + key + "=..., " + expected + ")");
        }
        return value;
    }

    private void allow(String... keys) {
        Set<String> allowed = Set.of(keys);
        for (String key : values.keySet()) {
            if (!key.equals("type") && !key.equals("dst") && !allowed.contains(key)) {
                throw wrong("'" + key + "' does not go with type=" + values.get("type"));
            }
        }
    }

    private IllegalArgumentException wrong(String problem) {
        return new IllegalArgumentException("invalid value for option '--mount': '" + text + "': " + problem);
    }
}
