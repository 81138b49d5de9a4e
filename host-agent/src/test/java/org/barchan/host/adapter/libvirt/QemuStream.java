package org.barchan.host.adapter.libvirt;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;

/** Writes as QEMU does. */
final class QemuStream {
    private static final int ZERO = 0x02;
    private static final int PAGE = 0x08;
    private static final int SAME = 0x20;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    final DataOutputStream out = new DataOutputStream(bytes);

    QemuStream begin() throws IOException {
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

    QemuStream section(int type) throws IOException {
        out.writeByte(type);
        out.writeInt(2);
        return this;
    }

    QemuStream end() throws IOException {
        out.writeLong(0x10);
        out.writeByte(0x7e);
        out.writeInt(2);
        return this;
    }

    QemuStream zero(long address, String block) throws IOException {
        header(address, ZERO, block);
        out.writeByte(0);
        return this;
    }

    QemuStream page(long address, String block, char fill) throws IOException {
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

    QemuStream devices() throws IOException {
        out.writeBytes("devices, whatever they are");
        return this;
    }

    byte[] bytes() {
        return bytes.toByteArray();
    }
}
