package org.barchan.host.adapter.libvirt;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Takes the memory out of what QEMU writes of a machine that is saved: what is left of it makes a new machine go on whose memory is the
 * same already. Of pages that are empty nothing is kept, since a new machine's are. See QEMU's docs/devel/migration.rst, and
 * migration/ram.c of 7.2.
 */
final class RamFilter {
    static final int PAGE_SIZE = 4096;

    private static final int MAGIC = 0x5145564d;
    private static final int VERSION = 3;
    private static final int SECTION_START = 1;
    private static final int SECTION_PART = 2;
    private static final int SECTION_END = 3;
    private static final int CONFIGURATION = 7;
    private static final int FOOTER = 0x7e;

    private static final int ZERO = 0x02;
    private static final int SIZES = 0x04;
    private static final int PAGE = 0x08;
    private static final int END_OF_PART = 0x10;
    private static final int SAME_BLOCK = 0x20;
    /** The machine's memory; all other blocks may hold something in a new machine. */
    private static final String MEMORY = "pc.ram";

    private final DataInputStream in;
    private final DataOutputStream out;
    private final PageTaker memory;
    private final BitSet taken = new BitSet();
    private int memoryAt = -1;
    private final byte[] page = new byte[PAGE_SIZE];
    /** The block that the last record is of, among those that were read. */
    private String block = "";
    /** The same among those that were written. */
    private String written = "";

    /** Takes pages of the machine's memory. */
    interface PageTaker {
        /** One that was given before counts no more. */
        void take(long address, byte[] page) throws IOException;
    }

    /**
     * @param out gets all but the memory
     * @param memory gets that
     */
    RamFilter(DataInputStream in, DataOutputStream out, PageTaker memory) {
        this.in = in;
        this.out = out;
        this.memory = memory;
    }

    /**
     * Copies it all.
     *
     * @return after how many bytes of what is left of it pages may be told, by {@link #writePage}
     * @throws IOException also when it is not as QEMU 7.2 writes it
     */
    int copy() throws IOException {
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
        return memoryAt;
    }

    private void copyRecords() throws IOException {
        while (true) {
            long header = in.readLong();
            int flags = (int) (header & (PAGE_SIZE - 1));
            switch (flags & ~SAME_BLOCK) {
                case END_OF_PART -> {
                    memoryAt = memoryAt < 0 ? out.size() : memoryAt;
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
        boolean filled = (flags & ZERO) != 0;
        int fill = filled ? in.readUnsignedByte() : 0;
        if (!filled) {
            in.readFully(page);
        }
        if (block.equals(MEMORY)) {
            takePage(header & -PAGE_SIZE, filled, fill);
        } else if (filled) {
            writeHeader(header);
            out.writeByte(fill);
        } else {
            writeHeader(header);
            out.write(page);
        }
    }

    private void takePage(long address, boolean filled, int fill) throws IOException {
        int number = Math.toIntExact(address / PAGE_SIZE);
        if (filled && fill == 0 && !taken.get(number)) {
            return;
        }
        if (filled) {
            Arrays.fill(page, (byte) fill);
        }
        taken.set(number);
        memory.take(address, page);
    }

    /** Writes a page of the memory as QEMU does. */
    static void writePage(long address, byte[] page, DataOutputStream out) throws IOException {
        out.writeLong(address | PAGE);
        out.writeByte(MEMORY.length());
        out.writeBytes(MEMORY);
        out.write(page);
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
