package org.barchan.host.adapter.boot;

import io.airlift.compress.v3.lz4.Lz4JavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZOutputStream;

/** Directories like a host's, with kernels that have the right form and would never boot. */
final class FakeHost {
    static final String RELEASE = "6.1.0-7-amd64";

    /** What the kernel's build appends to the vmlinux for the bzImage's own loader. */
    private static final byte[] RELOCATIONS = new byte[4096];

    /** Modules as Debian's kernel has them, with their dependencies, some names with "-". */
    static final Map<String, String> MODULES = Map.of(
            "kernel/drivers/virtio/virtio_ring.ko", "",
            "kernel/drivers/virtio/virtio.ko", "",
            "kernel/drivers/virtio/virtio_pci.ko",
                    "kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko",
            "kernel/drivers/char/virtio-console.ko",
                    "kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko",
            "kernel/net/9p/9pnet.ko", "",
            "kernel/net/9p/9pnet_virtio.ko", "kernel/net/9p/9pnet.ko kernel/drivers/virtio/virtio.ko",
            "kernel/fs/9p/9p.ko", "kernel/net/9p/9pnet.ko",
            "kernel/sound/beep.ko", "");

    final Path boot;
    final Path modulesRoot;
    final Path guest;
    final Path state;

    FakeHost(Path directory) throws IOException {
        boot = Files.createDirectories(directory.resolve("boot"));
        modulesRoot = Files.createDirectories(directory.resolve("modules"));
        guest = Files.createDirectories(directory.resolve("guest"));
        state = directory.resolve("state");
        Files.createDirectories(guest.resolve("lib"));
        executable(guest.resolve("init"), "the init");
        Files.writeString(guest.resolve("lib/libc.so.6"), "a library");
        Files.createSymbolicLink(guest.resolve("lib64"), Path.of("lib"));
    }

    CachedBootFiles bootFiles() {
        return new CachedBootFiles(state, guest, boot, modulesRoot);
    }

    /** Adds a kernel with all modules. */
    Path addKernel(String release) throws IOException {
        addModules(release, MODULES);
        return addImage(release, "gzip");
    }

    Path addImage(String release, String compression) throws IOException {
        return Files.write(
                boot.resolve("vmlinuz-" + release), bzImage(release, compress(compression, payload(release, true))));
    }

    Path addModules(String release, Map<String, String> dependencies) throws IOException {
        Path directory = modulesRoot.resolve(release);
        StringBuilder dep = new StringBuilder();
        for (Map.Entry<String, String> module : dependencies.entrySet()) {
            Path file = directory.resolve(module.getKey());
            Files.createDirectories(file.getParent());
            Files.write(file, module(module.getKey(), release));
            dep.append(module.getKey()).append(": ").append(module.getValue()).append('\n');
        }
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("modules.dep"), dep.toString());
        Files.writeString(directory.resolve("modules.builtin"), "kernel/drivers/net/virtio_net.ko\n");
        return directory;
    }

    static void executable(Path file, String content) throws IOException {
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    static byte[] module(String name, String release) {
        return ("\u007fELF" + name + "\0vermagic=" + release + " SMP preempt mod_unload \0")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** A vmlinux of some kilobytes that compresses to less, as a real one does. */
    static byte[] vmlinux(String release, boolean pvh) {
        byte[] text = new byte[60_000];
        new Random(1).nextBytes(text);
        Arrays.fill(text, 20_000, 40_000, (byte) 'x');
        byte[] banner = ("Linux version " + release + " (someone@somewhere)").getBytes(StandardCharsets.US_ASCII);
        int notes = 64 + 2 * 56;
        ByteBuffer elf = ByteBuffer.allocate(notes + 20 + text.length).order(ByteOrder.LITTLE_ENDIAN);
        elf.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1);
        elf.putShort(18, (short) 62).putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 2);
        program(elf, 64, 1, notes + 20, text.length);
        program(elf, 64 + 56, 4, notes, 20);
        elf.putInt(notes, 4).putInt(notes + 4, 4).putInt(notes + 8, pvh ? 18 : 17);
        elf.put(notes + 12, "Xen\0".getBytes(StandardCharsets.US_ASCII)).putInt(notes + 16, 0x1000000);
        elf.put(notes + 20, text).put(notes + 20 + 50_000, banner);
        return elf.array();
    }

    static byte[] payload(String release, boolean pvh) {
        return concat(vmlinux(release, pvh), RELOCATIONS);
    }

    static byte[] bzImage(String release, byte[] payload) {
        int setup = 3 * 512;
        int before = 1000;
        int system = (before + payload.length + 15) / 16;
        ByteBuffer image = ByteBuffer.allocate(setup + system * 16).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) 2).putInt(0x1f4, system).putShort(0x1fe, (short) 0xaa55);
        image.putInt(0x202, 0x53726448).putShort(0x206, (short) 0x20f).put(0x211, (byte) 1);
        image.putShort(0x20e, (short) 0x200).putInt(0x248, before).putInt(0x24c, payload.length);
        image.put(0x400, (release + " (debian-kernel@lists.debian.org) #1 SMP\0").getBytes(StandardCharsets.US_ASCII));
        image.put(setup + before, payload);
        return image.array();
    }

    /** Compresses as the kernel's build does: all but gzip have the size appended. */
    static byte[] compress(String how, byte[] data) throws IOException {
        byte[] size = ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(data.length)
                .array();
        return how.equals("gzip") ? compressFile(how, data) : concat(compressFile(how, data), size);
    }

    /** Compresses as the program of that name does. */
    static byte[] compressFile(String how, byte[] data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        switch (how) {
            case "none" -> bytes.write(data);
            case "zstd" -> {
                ZstdJavaCompressor compressor = new ZstdJavaCompressor();
                byte[] out = new byte[compressor.maxCompressedLength(data.length)];
                bytes.write(out, 0, compressor.compress(data, 0, data.length, out, 0, out.length));
            }
            case "lz4" -> {
                Lz4JavaCompressor compressor = new Lz4JavaCompressor();
                byte[] out = new byte[compressor.maxCompressedLength(data.length)];
                int length = compressor.compress(data, 0, data.length, out, 0, out.length);
                ByteBuffer head = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
                bytes.write(head.putInt(0x184c2102).putInt(length).array());
                bytes.write(out, 0, length);
            }
            default -> {
                try (OutputStream out = open(how, bytes)) {
                    out.write(data);
                }
            }
        }
        return bytes.toByteArray();
    }

    private static OutputStream open(String how, OutputStream out) throws IOException {
        return switch (how) {
            case "gzip" -> new GZIPOutputStream(out);
            case "xz" -> new XZOutputStream(out, new FilterOptions[] {new X86Options(), new LZMA2Options(1)});
            case "lzma" -> new LZMAOutputStream(out, new LZMA2Options(1), -1);
            case "bzip2" -> new BZip2CompressorOutputStream(out);
            default -> throw new IllegalArgumentException(how);
        };
    }

    private static void program(ByteBuffer elf, int at, int type, long offset, long size) {
        elf.putInt(at, type).putLong(at + 8, offset).putLong(at + 32, size);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
