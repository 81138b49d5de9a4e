package org.barchan.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A directory of the host to share with sandboxes, and what has become of it. */
final class SharedDirectory {
    private SharedDirectory() {}

    /** Makes one that whoever QEMU is run as may write to, with {@code file}, {@code sub} and {@code sub/file}. */
    static Path in(Path scratch) throws IOException {
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path directory = Files.createDirectory(scratch.resolve("dir"));
        Files.createDirectory(directory.resolve("sub"));
        Files.writeString(directory.resolve("sub/file"), "below\n");
        Files.writeString(directory.resolve("file"), "host\n");
        for (String name : List.of("", "sub", "sub/file", "file")) {
            Files.setPosixFilePermissions(
                    directory.resolve(name),
                    PosixFilePermissions.fromString(name.endsWith("file") ? "rw-rw-rw-" : "rwxrwxrwx"));
        }
        return directory;
    }

    static Map<String, String> inventory(Path directory) throws IOException {
        return inventory(directory, Path.of("/nonexistent"));
    }

    /** Returns all files below a directory, but for one of them, each with what can be told of it without following links. */
    static Map<String, String> inventory(Path of, Path except) throws IOException {
        Map<String, String> inventory = new TreeMap<>();
        try (Stream<Path> files = Files.walk(of)) {
            for (Path file : files.filter(file -> !file.startsWith(except)).toList()) {
                Map<String, Object> facts = Files.readAttributes(
                        file, "unix:mode,uid,gid,size,lastModifiedTime", LinkOption.NOFOLLOW_LINKS);
                boolean directory = Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
                inventory.put(
                        file.toString(),
                        new TreeMap<>(facts)
                                + (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                                        ? Files.readString(file)
                                        : directory ? "directory" : ""));
            }
        }
        return inventory;
    }
}
