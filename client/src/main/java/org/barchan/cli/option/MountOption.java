package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.barchan.client.DiskImage;
import org.barchan.client.ImageFormat;
import org.barchan.client.Mount;
import org.barchan.client.MountMode;
import org.barchan.client.Transport;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads what {@code --mount} says: {@code type=bind,src=DIR,dst=DIR,rw}, as docker(1) and podman(1) have it; or, as virt-sandbox(1) had it,
 * {@code host-bind:DST=SRC}, {@code host-image:DST=SRC,format=FORMAT}, {@code guest-bind:DST=SRC}, {@code ram:DST=SIZE}. See
 * {@link OptionParts}.
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
            Map.entry("scratch", "scratch"),
            Map.entry("size", "size"),
            Map.entry("tmpfs-size", "size"),
            Map.entry("transport", "transport"),
            Map.entry("format", "format"),
            Map.entry("mode", "mode"),
            Map.entry("tmpfs-mode", "mode"));
    private static final Set<String> FLAGS = Set.of("ro", "rw", "overlay", "scratch");

    private final String text;
    private final OptionParts parts;

    private MountOption(String text) {
        this.text = text;
        this.parts = new OptionParts(
                text,
                KEYS,
                FLAGS,
                "type, src, dst, ro, rw, overlay, scratch, size, mode, format or transport",
                this::wrong);
    }

    /**
     * Parses one.
     *
     * @param absolute makes a path of the host absolute
     * @throws IllegalArgumentException with a message for the user
     */
    static Mount parse(String text, UnaryOperator<String> absolute) {
        int colon = text.indexOf(':');
        if (colon > 0 && text.substring(0, colon).matches("[a-z]+(-[a-z]+)*")) {
            return shortForm(text, text.substring(0, colon), text.substring(colon + 1), absolute);
        }
        return new MountOption(text).longForm(absolute);
    }

    /** Returns what {@link #parse} makes the same mount of. */
    public static String text(Mount mount) {
        List<String> parts = new ArrayList<>();
        switch (mount) {
            case Mount.HostDirectory directory -> {
                parts.addAll(List.of("type=bind", "src=" + directory.source(), "dst=" + directory.target()));
                parts.add(text(directory.mode()));
                directory.overlayBytes().ifPresent(bytes -> parts.add("size=" + bytes));
                if (directory.transport() != Transport.AUTO) {
                    parts.add("transport=" + text(directory.transport()));
                }
            }
            case Mount.Image image -> {
                parts.add("type=image");
                parts.addAll(DiskOption.imageParts(image.image()));
                parts.addAll(List.of("dst=" + image.target(), text(image.mode())));
                image.overlayBytes().ifPresent(bytes -> parts.add("size=" + bytes));
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
        return OptionParts.join(parts);
    }

    public static String text(MountMode mode) {
        return switch (mode) {
            case READ_ONLY -> "ro";
            case READ_WRITE -> "rw";
            case OVERLAY -> "overlay";
            case SCRATCH -> "scratch";
        };
    }

    public static String text(Transport transport) {
        return switch (transport) {
            case AUTO -> "auto";
            case NINEP -> "9p";
            case VIRTIOFS -> "virtiofs";
        };
    }

    private static Mount shortForm(String text, String type, String rest, UnaryOperator<String> absolute) {
        int equals = rest.indexOf('=');
        if (equals < 1) {
            throw wrong(
                    text, "no destination (expected: " + type + ":DST=" + (type.equals("ram") ? "SIZE" : "SRC") + ")");
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
            case "host-image" ->
                new MountOption(OptionParts.join(List.of("type=image", "rw", "dst=" + target)) + ",src=" + value)
                        .longForm(absolute);
            case "guest-bind" -> new Mount.Bind(target, value, false);
            case "ram" -> new Mount.Memory(target, OptionalLong.of(size(text, value)), OptionalInt.empty(), false);
            default ->
                throw wrong(text, "unknown type '" + type + "' (expected: host-bind, host-image, guest-bind or ram)");
        };
    }

    private Mount longForm(UnaryOperator<String> absolute) {
        String type = parts.required("type", "bind, image, tmpfs or guest-bind");
        String target = parts.required("dst", "an absolute path in the sandbox");
        return switch (type) {
            case "bind" -> {
                allow("src", "ro", "rw", "overlay", "scratch", "size", "transport");
                yield new Mount.HostDirectory(
                        target,
                        absolute.apply(parts.required("src", "a directory or file of the host")),
                        mode(),
                        size(),
                        transport());
            }
            case "image" -> {
                allow("src", "ro", "rw", "overlay", "scratch", "size", "format", "transport");
                if (!List.of("auto", "block").contains(parts.get("transport", "auto"))) {
                    throw wrong(
                            "transport=" + parts.get("transport", "") + " (expected: block; an image is no directory)");
                }
                yield new Mount.Image(
                        target,
                        new DiskImage(absolute.apply(parts.required("src", "an image of the host")), format()),
                        mode(),
                        size());
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
                        parts.required("src", "an absolute path in the sandbox"),
                        mode(MountMode.READ_WRITE) == MountMode.READ_ONLY);
            }
            default -> throw wrong("unknown type '" + type + "' (expected: bind, image, tmpfs or guest-bind)");
        };
    }

    private MountMode mode() {
        return mode(MountMode.READ_ONLY);
    }

    private MountMode mode(MountMode otherwise) {
        List<MountMode> modes = new ArrayList<>();
        Map.of("rw", MountMode.READ_WRITE, "overlay", MountMode.OVERLAY, "scratch", MountMode.SCRATCH)
                .forEach((key, mode) -> {
                    if (parts.is(key)) {
                        modes.add(mode);
                    }
                });
        // As docker has it: readonly=false is read-write.
        if (parts.has("ro")) {
            modes.add(parts.is("ro") ? MountMode.READ_ONLY : MountMode.READ_WRITE);
        }
        if (modes.size() > 1) {
            throw wrong("more than one of ro, rw, overlay, scratch");
        }
        return modes.isEmpty() ? otherwise : modes.getFirst();
    }

    private OptionalLong size() {
        return parts.has("size") ? OptionalLong.of(size(text, parts.get("size", ""))) : OptionalLong.empty();
    }

    private static long size(String text, String value) {
        try {
            return Size.parse(value);
        } catch (IllegalArgumentException e) {
            throw wrong(text, String.valueOf(e.getMessage()));
        }
    }

    private ImageFormat format() {
        try {
            return DiskOption.format(parts.get("format", "auto"));
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    private Transport transport() {
        String value = parts.get("transport", "auto");
        if (value.equals("block")) {
            throw wrong(
                    "transport=block (expected: auto, 9p or virtiofs; only an image is a block device: type=image)");
        }
        try {
            return new TransportConverter().convert(value);
        } catch (TypeConversionException e) {
            throw wrong("transport=" + e.getMessage());
        }
    }

    private OptionalInt permissions() {
        if (!parts.has("mode")) {
            return OptionalInt.empty();
        }
        String value = parts.get("mode", "");
        if (!value.matches("0?[0-7]{1,4}")) {
            throw wrong("mode=" + value + " (expected: permission bits in octal, for example 0750)");
        }
        return OptionalInt.of(Integer.parseInt(value, 8));
    }

    private void allow(String... keys) {
        Set<String> allowed = Set.of(keys);
        for (String key : parts.keys()) {
            if (!key.equals("type") && !key.equals("dst") && !allowed.contains(key)) {
                throw wrong("'" + key + "' does not go with type=" + parts.get("type", ""));
            }
        }
    }

    private IllegalArgumentException wrong(String problem) {
        return wrong(text, problem);
    }

    private static IllegalArgumentException wrong(String text, String problem) {
        return new IllegalArgumentException("invalid value for option '--mount': '" + text + "': " + problem);
    }
}
