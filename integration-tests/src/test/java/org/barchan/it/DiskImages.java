package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Images of disks in a directory of the host, made and looked at with the host's own tools. */
final class DiskImages {
    private static final long BYTES = 320L << 20;

    private final Path directory;

    /** @param directory one of the test's own; others may enter it from now on */
    DiskImages(Path directory) throws IOException {
        this.directory = directory;
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Returns an image of 320 MiB, or less, with a file system in which the file {@code hello} has the line {@code hello}. */
    Path of(String type) throws Exception {
        Path tree = directory.resolve("tree-" + type);
        Files.createDirectories(tree.resolve("sub"));
        Files.writeString(tree.resolve("hello"), "hello\n");
        return of(type, tree);
    }

    /** Returns an image with a file system that has a tree of files. */
    Path of(String type, Path tree) throws Exception {
        Path image = directory.resolve(type + ".img");
        String to = image.toString();
        String from = tree.toString();
        switch (type) {
            case "ext4" -> tool("mkfs.ext4", "-q", "-d", from, sparse(image));
            case "btrfs" -> tool("mkfs.btrfs", "-q", "--rootdir", from, sparse(image));
            case "xfs" -> {
                Path prototype = Files.writeString(
                        directory.resolve("prototype"),
                        "-\n0 0\nd--755 0 0\nhello ---644 0 0 " + from + "/hello\nsub d--755 0 0\n$\n$\n");
                tool("mkfs.xfs", "-q", "-p", prototype.toString(), sparse(image));
            }
            case "squashfs" -> tool("mksquashfs", from, to, "-quiet", "-no-progress");
            case "erofs" -> tool("mkfs.erofs", "--quiet", to, from);
            default -> throw new IllegalArgumentException(type);
        }
        return image;
    }

    /** Returns an image of as many bytes, all of them zero, that everyone may write to. */
    Path empty(String name, long bytes) throws IOException {
        Path image = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return writable(image);
    }

    private String sparse(Path image) throws IOException {
        return empty(image.getFileName().toString(), BYTES).toString();
    }

    /** Lets everyone write to an image: QEMU is another user than root. */
    static Path writable(Path image) throws IOException {
        return Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    /** Returns a qcow2 image of what another holds. */
    Path qcow2(Path image, String... options) throws Exception {
        Path copy = directory.resolve(image.getFileName() + ".qcow2");
        List<String> words = new ArrayList<>(List.of("qemu-img", "convert", "-O", "qcow2"));
        words.addAll(List.of(options));
        words.addAll(List.of(image.toString(), copy.toString()));
        tool(words.toArray(String[]::new));
        return writable(copy);
    }

    /** Fails unless the file system in an image is whole, with nothing to play back. */
    static void checkWhole(String type, Path image) throws Exception {
        String path = image.toString();
        switch (type) {
            case "ext4" -> {
                tool("e2fsck", "-f", "-n", path);
                String features = tool("dumpe2fs", "-h", path);
                assertEquals(-1, features.indexOf("needs_recovery"), features);
            }
            case "xfs" -> tool("xfs_repair", "-n", path);
            case "btrfs" -> tool("btrfs", "check", "--readonly", path);
            default -> throw new IllegalArgumentException(type);
        }
    }

    /** Runs a tool and returns what it says; fails unless it succeeds. */
    static String tool(String... words) throws Exception {
        // Not all users have the system's own tools on their path.
        List<String> command = new ArrayList<>(List.of("env", "PATH=" + System.getenv("PATH") + ":/usr/sbin:/sbin"));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> String.join(" ", words) + ": " + said);
        return said;
    }
}
