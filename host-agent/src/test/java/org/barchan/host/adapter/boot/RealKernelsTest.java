package org.barchan.host.adapter.boot;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.sandbox.KernelChoice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernels that this machine has installed. */
class RealKernelsTest {
    @TempDir
    Path directory;

    @Test
    void extract_everyInstalledKernel_givesKernelWithPvhEntry() throws Exception {
        for (Path path : installed()) {
            KernelImage image = KernelImage.read(path);
            assertEquals("vmlinuz-" + image.release(), path.getFileName().toString());
            Path out = directory.resolve(image.release());
            try (FileChannel channel = FileChannel.open(
                    out, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                image.extract(channel);
                assertEquals(new ElfKernel(true, channel.size()), ElfKernel.read(channel));
            }
            assertEquals(image.release(), KernelImage.read(out).release());
        }
    }

    @Test
    void prepare_newestKernel_givesModulesInOrder() throws Exception {
        assumeTrue(!installed().isEmpty());
        Path guest = Files.createDirectory(directory.resolve("guest"));
        FakeHost.executable(guest.resolve("init"), "init");
        BootFileSet set = new CachedBootFiles(directory.resolve("state"), guest)
                .prepare(new KernelChoice.Newest(), false, message -> {});
        assertEquals("9p.ko", set.modules(List.of(Feature.NINEP)).getLast());
        String boot =
                requireNonNull(CachedBootFilesTest.readArchive(set.initrd()).get("100644 modules/boot.list"));
        assertTrue(boot.endsWith("virtio_console.ko\n"), boot);
    }

    private static List<Path> installed() throws IOException {
        List<Path> images = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(Path.of("/boot"), "vmlinuz-*")) {
            found.forEach(images::add);
        }
        images.removeIf(image -> !Files.isReadable(image));
        assumeTrue(!images.isEmpty(), "no readable kernel in /boot");
        return images;
    }
}
