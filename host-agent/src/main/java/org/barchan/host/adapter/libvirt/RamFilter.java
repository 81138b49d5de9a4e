package org.barchan.host.adapter.libvirt;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Copies what QEMU writes of a machine that is saved, without saying of each empty page of its memory that it is empty: the memory of a
 * new machine is that already, until a page is mentioned, which gives it one of the host's. See QEMU's docs/devel/migration.rst, and
 * migration/ram.c of 7.2.
 */
final class RamFilter {
    private static final int MAGIC = 0x5145564d;
    private static final int VERSION = 3;
    private static final int SECTION_START = 1;
    private static final int SECTION_PART = 2;
    private static final int SECTION_END = 3;
    private static final int CONFIGURATION = 7;
    private static final int FOOTER = 0x7e;

    private static final int PAGE_SIZE = 4096;
    private static final int ZERO = 0x02;
    private static final int SIZES = 0x04;
    private static final int PAGE = 0x08;
    private static final int END_OF_PART = 0x10;
    private static final int SAME_BLOCK = 0x20;
    /** The machine's memory; all other blocks may hold something in a new machine. */
    private static final String MEMORY = "pc.ram";

    private final DataInputStream in;
    private final DataOutputStream out;
    private final byte[] page = new byte[PAGE_SIZE];
    /** The block that the last record is of, among those that were read. */
    private String block = "";
    /** The same among those that were written. */
    private String written = "";

    RamFilter(DataInputStream in, DataOutputStream out) {
        this.in = in;
        this.out = out;
    }

    /**
     * Copies it all.
     *
     * @throws IOException also when it is not as QEMU 7.2 writes it
     */
    void copy() throws IOException {
        expect(copyInt() == MAGIC && copyInt() == VERSION, "a stream of version 3");
        int type = copyByte();
        if (type == CONFIGURATION) {
            copyBytes(copyInt());
            type = copyByte();
        }
        expect(type == SECTION_START, "a section's start");
        int section = copyInt();
        expect(copyText().equals("ram"), "the memory first");
        long _ = copyLong(); // Instance and version.
        while (true) {
            copyRecords();
            expect(copyByte() == FOOTER && copyInt() == section, "a section's end");
            if (type == SECTION_END) {
                break;
            }
            type = copyByte();
            expect((type == SECTION_PART || type == SECTION_END) && copyInt() == section, "more of the memory");
        }
        // The devices.
        in.transferTo(out);
    }

    private void copyRecords() throws IOException {
        while (true) {
            long header = in.readLong();
            int flags = (int) (header & (PAGE_SIZE - 1));
            switch (flags & ~SAME_BLOCK) {
                case END_OF_PART -> {
                    out.writeLong(header);
                    return;
                }
                case SIZES -> {
                    out.writeLong(header);
                    for (long left = header - flags; left > 0; ) {
                        var _ = copyText();
                        left -= copyLong();
                    }
                }
                case ZERO, PAGE -> copyPage(header & ~SAME_BLOCK, flags);
                default -> expect(false, "a page");
            }
        }
    }

    private void copyPage(long header, int flags) throws IOException {
        if ((flags & SAME_BLOCK) == 0) {
            block = new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.UTF_8);
        }
        if ((flags & ZERO) != 0) {
            int fill = in.readUnsignedByte();
            if (fill == 0 && block.equals(MEMORY)) {
                return;
            }
            writeHeader(header);
            out.writeByte(fill);
        } else {
            in.readFully(page);
            writeHeader(header);
            out.write(page);
        }
    }

    private void writeHeader(long header) throws IOException {
        if (block.equals(written)) {
            out.writeLong(header | SAME_BLOCK);
        } else {
            out.writeLong(header);
            byte[] name = block.getBytes(StandardCharsets.UTF_8);
            out.writeByte(name.length);
            out.write(name);
            written = block;
        }
    }

    private int copyByte() throws IOException {
        int value = in.readUnsignedByte();
        out.writeByte(value);
        return value;
    }

    private int copyInt() throws IOException {
        int value = in.readInt();
        out.writeInt(value);
        return value;
    }

    private long copyLong() throws IOException {
        long value = in.readLong();
        out.writeLong(value);
        return value;
    }

    private String copyText() throws IOException {
        return new String(copyBytes(copyByte()), StandardCharsets.UTF_8);
    }

    private byte[] copyBytes(int count) throws IOException {
        expect(count >= 0 && count <= PAGE_SIZE, "a short text");
        byte[] bytes = new byte[count];
        in.readFully(bytes);
        out.write(bytes);
        return bytes;
    }

    private static void expect(boolean met, String what) throws IOException {
        if (!met) {
            throw new IOException("QEMU's stream is another than is known (expected: " + what + ")");
        }
    }
}
