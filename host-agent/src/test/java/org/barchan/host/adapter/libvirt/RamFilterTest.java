package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RamFilterTest {
    @Test
    void copy_takesTheMemoryOut_andNothingElse() throws IOException {
        byte[] saved = new QemuStream()
                .begin()
                .section(2)
                .zero(0, "pc.ram")
                .page(0x1000, "", 'a')
                .zero(0x2000, "")
                .end()
                .section(3)
                .zero(0, "pc.bios")
                .zero(0x3000, "pc.ram")
                .page(0x3000, "", 'b')
                .zero(0x1000, "")
                .page(0x1000, "pc.bios", 'c')
                .end()
                .devices()
                .bytes();
        byte[] expected = new QemuStream()
                .begin()
                .section(2)
                .end()
                .section(3)
                .zero(0, "pc.bios")
                .page(0x1000, "", 'c')
                .end()
                .devices()
                .bytes();
        List<String> pages = new ArrayList<>();
        assertArrayEquals(
                expected, filtered(saved, (address, page) -> pages.add("%x %d".formatted(address, page[4095]))));
        assertEquals(List.of("1000 97", "3000 98", "1000 0"), pages);
    }

    @Test
    void pages_thatWereTakenOut_canBePutBack() throws IOException {
        byte[] saved = new QemuStream()
                .begin()
                .section(3)
                .page(0x3000, "pc.ram", 'b')
                .end()
                .devices()
                .bytes();
        byte[] begun = new byte[new QemuStream().begin().bytes().length - 8 - 5];
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        ByteArrayOutputStream memory = new ByteArrayOutputStream();
        int at = new RamFilter(
                        new DataInputStream(new ByteArrayInputStream(saved)),
                        new DataOutputStream(rest),
                        (address, page) -> RamFilter.writePage(address, page, new DataOutputStream(memory)))
                .copy();
        assertEquals(begun.length, at);
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        whole.write(rest.toByteArray(), 0, at);
        memory.writeTo(whole);
        whole.write(rest.toByteArray(), at, rest.size() - at);
        List<Long> pages = new ArrayList<>();
        byte[] again = filtered(whole.toByteArray(), (address, page) -> pages.add(address));
        assertArrayEquals(rest.toByteArray(), again);
        assertEquals(List.of(0x3000L), pages);
    }

    @Test
    void copy_ofWhatIsNotKnown_isRefused() throws IOException {
        byte[] good = new QemuStream().begin().section(3).end().devices().bytes();
        assertArrayEquals(good, filtered(good));
        byte[] version = good.clone();
        version[7] = 4;
        assertThrows(IOException.class, () -> filtered(version));
        assertThrows(IOException.class, () -> filtered(Arrays.copyOf(good, 40)));
        QemuStream compressed = new QemuStream().begin().section(3);
        compressed.out.writeLong(0x1000 | 0x100);
        assertThrows(IOException.class, () -> filtered(compressed.end().bytes()));
        assertThrows(IOException.class, () -> filtered("QEVM".getBytes(StandardCharsets.US_ASCII)));
    }

    private static byte[] filtered(byte[] saved) throws IOException {
        return filtered(saved, (address, page) -> {});
    }

    private static byte[] filtered(byte[] saved, RamFilter.PageTaker memory) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        var _ = new RamFilter(new DataInputStream(new ByteArrayInputStream(saved)), new DataOutputStream(out), memory)
                .copy();
        return out.toByteArray();
    }
}
