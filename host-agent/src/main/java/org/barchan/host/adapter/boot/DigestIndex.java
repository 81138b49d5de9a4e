package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Digests of the content of files, remembered over restarts so that a file is read again only when its stamp has changed. A
 * damaged or lost index costs time, never correctness. Safe for use by many threads; when two agents write it, the last one wins.
 */
final class DigestIndex {
    private static final int MAX_ENTRIES = 2048;

    private final Path file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private boolean loaded;
    private boolean changed;

    private record Entry(FileStamp stamp, String digest) {}

    DigestIndex(Path file) {
        this.file = file;
    }

    /** Returns the SHA-256 digest of a file's content, in hexadecimal. */
    String digest(Path path) throws IOException {
        String key = path.toAbsolutePath().toString();
        FileStamp before = FileStamp.of(path);
        Optional<String> known = lookUp(key, before);
        if (known.isPresent()) {
            return known.get();
        }
        String digest = Sha256.ofFile(path);
        // The stamp of before: when the file changed while it was read, the next look finds another one.
        if (before.settled() && key.indexOf('\n') < 0) {
            remember(key, new Entry(before, digest));
        }
        return digest;
    }

    /** Writes the index if there is anything new in it. */
    synchronized void save() throws IOException {
        if (!changed) {
            return;
        }
        entries.keySet().removeIf(path -> Files.notExists(Path.of(path)));
        StringBuilder text = new StringBuilder();
        new TreeMap<>(entries)
                .forEach((path, entry) -> text.append(entry.digest())
                        .append(' ')
                        .append(entry.stamp().toText())
                        .append(' ')
                        .append(path)
                        .append('\n'));
        DurableFile.writeSealed(file, text.toString());
        changed = false;
    }

    private synchronized Optional<String> lookUp(String path, FileStamp stamp) throws IOException {
        if (!loaded) {
            load();
            loaded = true;
        }
        Entry entry = entries.get(path);
        return entry != null && entry.stamp().equals(stamp) ? Optional.of(entry.digest()) : Optional.empty();
    }

    private synchronized void remember(String path, Entry entry) {
        if (entries.size() >= MAX_ENTRIES) {
            entries.clear();
        }
        entries.put(path, entry);
        changed = true;
    }

    private void load() throws IOException {
        for (String line : DurableFile.readSealed(file).orElse("").lines().toList()) {
            String[] fields = line.split(" ", 3);
            if (fields.length == 3) {
                entries.put(fields[2], new Entry(FileStamp.parse(fields[1]), fields[0]));
            }
        }
    }
}
