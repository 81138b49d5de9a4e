package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.barchan.client.Disk;
import org.barchan.client.DiskImage;
import org.barchan.client.ImageFormat;

/**
 * Reads what {@code --disk} says: {@code tag=TAG,src=FILE,format=FORMAT,rw}; or, as virt-sandbox(1) had it,
 * {@code file:TAG=FILE,format=FORMAT}, which is written to.
 */
public final class DiskOption {
    private static final String FILE = "file:";
    private static final Map<String, String> KEYS = Map.of(
            "tag", "tag", "src", "src", "source", "src", "format", "format", "ro", "ro", "readonly", "ro", "rw", "rw");

    private DiskOption() {}

    /**
     * Parses one.
     *
     * @param absolute makes a path of the host absolute
     * @throws IllegalArgumentException with a message for the user
     */
    static Disk parse(String text, UnaryOperator<String> absolute) {
        boolean shortForm = text.startsWith(FILE);
        int equals = text.indexOf('=');
        if (shortForm && equals <= FILE.length()) {
            throw wrong(text, "no tag (expected: file:TAG=FILE, or tag=TAG,src=FILE)");
        }
        OptionParts parts = new OptionParts(
                shortForm
                        ? "tag=" + text.substring(FILE.length(), equals) + ",src=" + text.substring(equals + 1)
                        : text,
                KEYS,
                Set.of("ro", "rw"),
                "tag, src, format, ro or rw",
                problem -> wrong(text, problem));
        if (parts.has("ro") && parts.has("rw")) {
            throw wrong(text, "both ro and rw");
        }
        boolean writable = parts.has("rw") ? parts.is("rw") : parts.has("ro") ? !parts.is("ro") : shortForm;
        try {
            return new Disk(
                    parts.required("tag", "a name in /dev/disk/by-tag"),
                    new DiskImage(
                            absolute.apply(parts.required("src", "an image of the host")),
                            format(parts.get("format", "auto"))),
                    writable);
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith("invalid value") ? e : wrong(text, message);
        }
    }

    /** @throws IllegalArgumentException if there is no such format */
    static ImageFormat format(String text) {
        return switch (text) {
            case "auto" -> ImageFormat.AUTO;
            case "raw" -> ImageFormat.RAW;
            case "qcow2" -> ImageFormat.QCOW2;
            default ->
                throw new IllegalArgumentException("format=" + text
                        + " (expected: raw, qcow2 or auto; make one of another with qemu-img convert)");
        };
    }

    /** Returns what {@link #parse} makes the same disk of. */
    public static String text(Disk disk) {
        List<String> parts = new ArrayList<>(List.of("tag=" + disk.tag()));
        parts.addAll(imageParts(disk.image()));
        parts.add(disk.writable() ? "rw" : "ro");
        return OptionParts.join(parts);
    }

    static List<String> imageParts(DiskImage image) {
        return switch (image.format()) {
            case AUTO -> List.of("src=" + image.path());
            case RAW -> List.of("src=" + image.path(), "format=raw");
            case QCOW2 -> List.of("src=" + image.path(), "format=qcow2");
        };
    }

    private static IllegalArgumentException wrong(String text, String problem) {
        return new IllegalArgumentException("invalid value for option '--disk': '" + text + "': " + problem);
    }
}
