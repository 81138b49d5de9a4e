package org.barchan.host.adapter.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.barchan.host.adapter.boot.KernelImage.NotExtractableException;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelImageTest {
    private static final String RELEASE = FakeHost.RELEASE;

    @TempDir
    Path directory;

    @Test
    void read_noFile_saysSo() {
        assertInvalid(directory.resolve("none"), "there is no such file");
    }

    @Test
    void read_directory_saysSo() {
        assertInvalid(directory, "not a regular file");
    }

    @Test
    void read_emptyFile_saysSo() throws IOException {
        assertInvalid(write(new byte[0]), "it is empty");
    }

    @Test
    void read_script_saysWhatItStartsWith() throws IOException {
        assertInvalid(
                write("#!/bin/sh\n".repeat(100).getBytes(StandardCharsets.US_ASCII)),
                "it starts with 23 21 2f 62 69 6e 2f 73");
    }

    @Test
    void read_elfProgramOfTheHost_isNoKernel() {
        assertInvalid(Path.of("/bin/true"), "is not in it");
    }

    @Test
    void read_elfOfAnotherMachine_isRefused() throws IOException {
        byte[] elf = FakeHost.vmlinux(RELEASE, true);
        elf[18] = (byte) 183;
        assertInvalid(write(elf), "for machine 183");
    }

    @Test
    void read_releaseThatIsAPath_isRefused() throws IOException {
        assertInvalid(write(FakeHost.bzImage("6/../../etc", new byte[100])), "no release");
    }

    @Test
    void read_payloadBeyondTheEnd_isRefused() throws IOException {
        byte[] image = FakeHost.bzImage(RELEASE, new byte[100]);
        Arrays.fill(image, 0x24c, 0x24f, (byte) 0xff);
        assertInvalid(write(image), "header is damaged");
    }

    @Test
    void read_imageCutAnywhere_isRefused() throws IOException {
        byte[] image = FakeHost.bzImage(RELEASE, new byte[20_000]);
        for (int length = 1; length < image.length; length += 997) {
            Path file = write(Arrays.copyOf(image, length));
            assertThrows(SandboxException.class, () -> KernelImage.read(file), () -> "cut to " + Files.exists(file));
        }
        assertInvalid(write(Arrays.copyOf(image, image.length - 1)), "cut off");
    }

    @Test
    void read_vmlinuxCutOff_isRefused() throws IOException {
        byte[] elf = FakeHost.vmlinux(RELEASE, true);
        assertInvalid(write(Arrays.copyOf(elf, elf.length - 1)), "cut off");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"})
    void extract_damagedPayload_isNotExtractable(String compression) throws Exception {
        byte[] payload = FakeHost.compress(compression, FakeHost.payload(RELEASE, true));
        Random random = new Random(7);
        for (int round = 0; round < 20; round++) {
            byte[] damaged = payload.clone();
            for (int i = 0; i < 40; i++) {
                damaged[8 + random.nextInt(damaged.length - 16)] = (byte) random.nextInt();
            }
            KernelImage image = KernelImage.read(write(FakeHost.bzImage(RELEASE, damaged)));
            try {
                extract(image);
            } catch (NotExtractableException e) {
                assertTrue(String.valueOf(e.getMessage()).startsWith("its payload"), e.getMessage());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"})
    void extract_payloadEndsEarly_isNotExtractable(String compression) throws Exception {
        byte[] payload = FakeHost.compress(compression, FakeHost.payload(RELEASE, true));
        byte[] half = Arrays.copyOf(payload, payload.length / 2);
        System.arraycopy(payload, payload.length - 4, half, half.length - 4, 4);
        KernelImage image = KernelImage.read(write(FakeHost.bzImage(RELEASE, half)));
        assertThrows(NotExtractableException.class, () -> extract(image));
    }

    @Test
    void extract_hugeClaimedSize_isNotExtractable() throws Exception {
        byte[] payload = FakeHost.compress("zstd", FakeHost.payload(RELEASE, true));
        payload[payload.length - 1] = 0x7f;
        KernelImage image = KernelImage.read(write(FakeHost.bzImage(RELEASE, payload)));
        assertThrows(NotExtractableException.class, () -> extract(image));
    }

    @Test
    void extract_unknownCompression_namesItsMagic() throws Exception {
        KernelImage image = KernelImage.read(write(FakeHost.bzImage(
                RELEASE, new byte[] {(byte) 0x89, 'L', 'Z', 'O', 0, 13, 10, 26, 10, 0, 0, 0, 0, 0, 0, 0, 0})));
        NotExtractableException e = assertThrows(NotExtractableException.class, () -> extract(image));
        assertTrue(String.valueOf(e.getMessage()).contains("89 4c 5a 4f"), e.getMessage());
    }

    @Test
    void extract_withoutPvhEntry_isNotExtractable() throws Exception {
        byte[] payload = FakeHost.compress("gzip", FakeHost.payload(RELEASE, false));
        KernelImage image = KernelImage.read(write(FakeHost.bzImage(RELEASE, payload)));
        NotExtractableException e = assertThrows(NotExtractableException.class, () -> extract(image));
        assertTrue(String.valueOf(e.getMessage()).contains("PVH"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"})
    void extract_bzImage_givesVmlinuxWithoutRelocations(String compression) throws Exception {
        byte[] payload = FakeHost.compress(compression, FakeHost.payload(RELEASE, true));
        KernelImage image = KernelImage.read(write(FakeHost.bzImage(RELEASE, payload)));
        assertEquals(RELEASE, image.release());
        assertArrayEquals(FakeHost.vmlinux(RELEASE, true), extract(image));
    }

    @Test
    void extract_vmlinux_givesItself() throws Exception {
        byte[] vmlinux = FakeHost.vmlinux(RELEASE, true);
        KernelImage image = KernelImage.read(write(vmlinux));
        assertEquals(RELEASE, image.release());
        assertArrayEquals(vmlinux, extract(image));
    }

    private byte[] extract(KernelImage image) throws IOException, NotExtractableException {
        Path out = Files.createTempFile(directory, "out", "");
        try (FileChannel channel = FileChannel.open(out, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            image.extract(channel);
        }
        return Files.readAllBytes(out);
    }

    private Path write(byte[] content) throws IOException {
        return Files.write(directory.resolve("image"), content);
    }

    private static void assertInvalid(Path path, String reason) {
        SandboxException e = assertThrows(SandboxException.class, () -> KernelImage.read(path));
        assertEquals(Code.INVALID, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains(path.toString()), e.getMessage());
        assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
    }
}
