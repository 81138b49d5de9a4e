package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The files of Barchan's own that go into a guest's initrd, sorted by name. */
record GuestTree(Path root, List<Entry> entries) {
    /** A file below the root; its name is relative, with "/" between its parts. */
    sealed interface Entry {
        String name();

        record Directory(String name) implements Entry {}

        record Link(String name, String target) implements Entry {}

        record Regular(String name, Path path, boolean executable) implements Entry {}
    }

    GuestTree {
        entries = List.copyOf(entries);
    }

    /**
     * Reads the tree's names, not its content.
     *
     * @throws IOException with a message for the user, if there is no usable tree
     */
    static GuestTree read(Path root) throws IOException {
        if (!Files.isExecutable(root.resolve("init"))) {
            throw new IOException("the guest's files are not in " + root + ": it has no executable init; build Barchan"
                    + " or install it again");
        }
        List<Entry> entries = new ArrayList<>();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(root)) {
            paths = walk.filter(path -> !path.equals(root))
                    .sorted((a, b) -> a.toString().compareTo(b.toString()))
                    .toList();
        }
        for (Path path : paths) {
            String name = root.relativize(path).toString();
            BasicFileAttributes attributes =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (attributes.isDirectory()) {
                entries.add(new Entry.Directory(name));
            } else if (attributes.isSymbolicLink()) {
                entries.add(new Entry.Link(name, Files.readSymbolicLink(path).toString()));
            } else if (attributes.isRegularFile()) {
                entries.add(new Entry.Regular(name, path, Files.isExecutable(path)));
            } else {
                throw new IOException(path + " is neither a file nor a directory: it cannot be part of a guest");
            }
        }
        return new GuestTree(root, entries);
    }

    /** Returns a digest of all names, kinds, modes and content. */
    String digest(DigestIndex digests) throws IOException {
        Sha256 sha = new Sha256();
        for (Entry entry : entries) {
            switch (entry) {
                case Entry.Directory directory -> sha.add("directory").add(directory.name());
                case Entry.Link link -> sha.add("link").add(link.name()).add(link.target());
                case Entry.Regular file ->
                    sha.add(file.executable() ? "program" : "file")
                            .add(file.name())
                            .add(digests.digest(file.path()));
            }
        }
        return sha.finish();
    }
}
