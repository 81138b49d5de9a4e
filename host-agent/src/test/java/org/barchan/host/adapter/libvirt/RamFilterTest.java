package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class RamFilterTest {
    private static final int ZERO = 0x02;
    private static final int PAGE = 0x08;
    private static final int SAME = 0x20;

    /** Writes as QEMU does. */
    private static final class Stream {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream out = new DataOutputStream(bytes);

        Stream begin() throws IOException {
            out.writeInt(0x5145564d);
            out.writeInt(3);
            out.writeByte(7);
            out.writeInt(2);
            out.writeBytes("pc");
            out.writeByte(1);
            out.writeInt(2);
            name("ram");
            out.writeInt(0);
            out.writeInt(4);
            out.writeLong(0x5000 | 4);
            name("pc.ram");
            out.writeLong(0x4000);
            name("pc.bios");
            out.writeLong(0x1000);
            return end();
        }

        void name(String name) throws IOException {
            out.writeByte(name.length());
            out.writeBytes(name);
        }

        Stream section(int type) throws IOException {
            out.writeByte(type);
            out.writeInt(2);
            return this;
        }

        Stream end() throws IOException {
            out.writeLong(0x10);
            out.writeByte(0x7e);
            out.writeInt(2);
            return this;
        }

        Stream zero(long address, String block) throws IOException {
            header(address, ZERO, block);
            out.writeByte(0);
            return this;
        }

        Stream page(long address, String block, char fill) throws IOException {
            header(address, PAGE, block);
            byte[] page = new byte[4096];
            Arrays.fill(page, (byte) fill);
            out.write(page);
            return this;
        }

        private void header(long address, int flag, String block) throws IOException {
            out.writeLong(address | flag | (block.isEmpty() ? SAME : 0));
            if (!block.isEmpty()) {
                name(block);
            }
        }

        Stream devices() throws IOException {
            out.writeBytes("devices, whatever they are");
            return this;
        }

        byte[] bytes() {
            return bytes.toByteArray();
        }
    }

    @Test
    void copy_leavesOutEmptyPagesOfTheMemory_andNothingElse() throws IOException {
        byte[] saved = new Stream()
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
                .end()
                .devices()
                .bytes();
        byte[] expected = new Stream()
                .begin()
                .section(2)
                .page(0x1000, "pc.ram", 'a')
                .end()
                .section(3)
                .zero(0, "pc.bios")
                .page(0x3000, "pc.ram", 'b')
                .end()
                .devices()
                .bytes();
        assertArrayEquals(expected, filtered(saved));
    }

    @Test
    void copy_ofWhatIsNotKnown_isRefused() throws IOException {
        byte[] good = new Stream().begin().section(3).end().devices().bytes();
        assertArrayEquals(good, filtered(good));
        byte[] version = good.clone();
        version[7] = 4;
        assertThrows(IOException.class, () -> filtered(version));
        assertThrows(IOException.class, () -> filtered(Arrays.copyOf(good, 40)));
        Stream compressed = new Stream().begin().section(3);
        compressed.out.writeLong(0x1000 | 0x100);
        assertThrows(IOException.class, () -> filtered(compressed.end().bytes()));
        assertThrows(IOException.class, () -> filtered("QEVM".getBytes(StandardCharsets.US_ASCII)));
    }

    private static byte[] filtered(byte[] saved) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new RamFilter(new DataInputStream(new ByteArrayInputStream(saved)), new DataOutputStream(out)).copy();
        return out.toByteArray();
    }
}
