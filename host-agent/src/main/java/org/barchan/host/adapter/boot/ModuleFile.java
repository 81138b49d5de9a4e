package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The file of one kernel module, possibly compressed. */
final class ModuleFile {
    private static final String VERSION_MAGIC = "\0vermagic=";

    private ModuleFile() {}

    /**
     * Reads and decompresses a module.
     *
     * @param release of the kernel that is to load it
     * @throws IOException with a message for the user, if it is unreadable, damaged, no module or one of another kernel
     */
    static byte[] read(Path file, String release) throws IOException {
        byte[] content = Files.readAllBytes(file);
        Optional<Compression> compression = Compression.of(content);
        if (compression.isPresent()) {
            try {
                content = compression.get().decompress(content);
            } catch (IOException e) {
                throw new IOException("module " + file + " is damaged: " + e.getMessage(), e);
            }
        }
        // Also keeps the content of any other file of the host from ending up in an initrd that everybody may read.
        if (!ElfKernel.isElf(content)) {
            throw new IOException(
                    "module " + file + " is damaged: it is no ELF file, nor one compressed with gzip, xz or zstd");
        }
        String text = new String(content, StandardCharsets.ISO_8859_1);
        int at = text.indexOf(VERSION_MAGIC);
        if (at >= 0 && !text.startsWith(release + " ", at + VERSION_MAGIC.length())) {
            int start = at + VERSION_MAGIC.length();
            throw new IOException("module " + file + " was made for kernel "
                    + text.substring(start).split("[ \0]", 2)[0] + ", not for " + release);
        }
        return content;
    }
}
