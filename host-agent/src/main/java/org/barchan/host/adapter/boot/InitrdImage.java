package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;
import org.apache.commons.compress.archivers.cpio.CpioConstants;

/**
 * The initrd: an uncompressed cpio archive in the "newc" format, because a guest without KVM takes longer to decompress than to
 * read. The same input gives the same bytes. Owned by one thread.
 */
final class InitrdImage {
    private static final int PERMISSIONS = 0755;
    private static final int FILE_PERMISSIONS = 0644;

    /** By name, in which each directory sorts before what is in it. */
    private final Map<String, Entry> entries = new TreeMap<>();

    @FunctionalInterface
    private interface Content {
        byte[] read() throws IOException;
    }

    private record Entry(long mode, Content content) {}

    InitrdImage(String release, GuestTree tree, ModulePlan modules) {
        for (String directory : new String[] {"dev", "modules", "newroot", "proc", "run", "sys"}) {
            addDirectory(directory);
        }
        for (GuestTree.Entry entry : tree.entries()) {
            switch (entry) {
                case GuestTree.Entry.Directory directory -> addDirectory(directory.name());
                case GuestTree.Entry.Link link ->
                    entries.put(link.name(), new Entry(CpioConstants.C_ISLNK | 0777, () -> utf8(link.target())));
                case GuestTree.Entry.Regular file ->
                    addFile(
                            file.name(),
                            file.executable() ? PERMISSIONS : FILE_PERMISSIONS,
                            () -> Files.readAllBytes(file.path()));
            }
        }
        StringBuilder boot = new StringBuilder();
        for (Path module : modules.link()) {
            addModule(module, release);
            boot.append(ModulePlan.fileName(module)).append('\n');
        }
        for (Path module : modules.later()) {
            addModule(module, release);
        }
        addFile("modules/boot.list", FILE_PERMISSIONS, () -> utf8(boot.toString()));
    }

    /**
     * Writes the archive, reading one file after the other.
     *
     * @param out stays open
     * @throws IOException with a message for the user, if a module does not do
     */
    void writeTo(OutputStream out) throws IOException {
        CpioArchiveOutputStream archive = new CpioArchiveOutputStream(
                out, CpioConstants.FORMAT_NEW, CpioConstants.BLOCK_SIZE, StandardCharsets.UTF_8.name());
        long inode = 1;
        for (Map.Entry<String, Entry> named : entries.entrySet()) {
            long mode = named.getValue().mode();
            byte[] content = named.getValue().content().read();
            CpioArchiveEntry header = new CpioArchiveEntry(CpioConstants.FORMAT_NEW, named.getKey());
            header.setInode(inode++);
            header.setMode(mode);
            header.setNumberOfLinks((mode & CpioConstants.S_IFMT) == CpioConstants.C_ISDIR ? 2 : 1);
            header.setTime(0);
            header.setSize(content.length);
            archive.putArchiveEntry(header);
            archive.write(content);
            archive.closeArchiveEntry();
        }
        archive.finish();
    }

    private void addDirectory(String name) {
        entries.put(name, new Entry(CpioConstants.C_ISDIR | PERMISSIONS, () -> new byte[0]));
    }

    private void addFile(String name, int permissions, Content content) {
        entries.put(name, new Entry(CpioConstants.C_ISREG | permissions, content));
    }

    private void addModule(Path module, String release) {
        addFile("modules/" + ModulePlan.fileName(module), FILE_PERMISSIONS, () -> ModuleFile.read(module, release));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
