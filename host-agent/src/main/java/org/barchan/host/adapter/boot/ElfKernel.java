package org.barchan.host.adapter.boot;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;

/**
 * What a hypervisor wants to know of a kernel in ELF form: whether it can be entered directly.
 *
 * @param pvhEntry whether it has the note XEN_ELFNOTE_PHYS32_ENTRY, by which QEMU starts it without firmware or decompressor (see
 *     "x86/HVM direct boot ABI" of the Xen documentation)
 * @param end the offset of the first byte behind everything that the ELF headers name
 */
record ElfKernel(boolean pvhEntry, long end) {
    private static final int MAGIC = 0x464c457f;
    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int SECTION_HEADER = 64;
    private static final int MACHINE_X86_64 = 62;
    private static final int PT_NOTE = 4;
    private static final int SHT_NOBITS = 8;
    private static final int PHYS32_ENTRY = 18;
    private static final int MAX_NOTES = 1 << 20;

    /** Tells whether data starts like an ELF file. */
    static boolean isElf(byte[] data) {
        return data.length >= 4
                && ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt(0) == MAGIC;
    }

    /**
     * Reads the headers.
     *
     * @throws IOException if it is not a whole x86-64 ELF file
     */
    static ElfKernel read(FileChannel channel) throws IOException {
        ByteBuffer header = read(channel, 0, HEADER);
        if (header.getInt(0) != MAGIC || header.get(4) != 2 || header.get(5) != 1) {
            throw new IOException("not a 64-bit little-endian ELF file");
        }
        if (header.getShort(18) != MACHINE_X86_64) {
            throw new IOException("an ELF file for machine " + header.getShort(18) + " (expected: x86-64)");
        }
        boolean pvh = false;
        long end = HEADER;
        long programs = header.getLong(32);
        int programCount = Short.toUnsignedInt(header.getShort(56));
        ByteBuffer table = read(channel, programs, programCount * PROGRAM_HEADER);
        end = Math.max(end, programs + table.capacity());
        for (int at = 0; at < table.capacity(); at += PROGRAM_HEADER) {
            long offset = table.getLong(at + 8);
            long size = table.getLong(at + 32);
            end = Math.max(end, Math.addExact(offset, size));
            if (table.getInt(at) == PT_NOTE && size <= MAX_NOTES) {
                pvh |= hasEntryNote(read(channel, offset, (int) size));
            }
        }
        long sections = header.getLong(40);
        if (sections != 0) {
            table = read(channel, sections, Short.toUnsignedInt(header.getShort(60)) * SECTION_HEADER);
            end = Math.max(end, sections + table.capacity());
            for (int at = 0; at < table.capacity(); at += SECTION_HEADER) {
                if (table.getInt(at + 4) != SHT_NOBITS) {
                    end = Math.max(end, Math.addExact(table.getLong(at + 24), table.getLong(at + 32)));
                }
            }
        }
        if (end > channel.size()) {
            throw new EOFException("the ELF file is cut off at " + channel.size() + " of " + end + " bytes");
        }
        return new ElfKernel(pvh, end);
    }

    private static boolean hasEntryNote(ByteBuffer notes) {
        while (notes.remaining() >= 12) {
            int nameSize = notes.getInt();
            int descriptionSize = notes.getInt();
            int type = notes.getInt();
            if (nameSize < 0
                    || descriptionSize < 0
                    || aligned(nameSize) + aligned(descriptionSize) > notes.remaining()) {
                return false;
            }
            byte[] name = new byte[nameSize];
            notes.get(notes.position(), name);
            if (type == PHYS32_ENTRY && new String(name, StandardCharsets.US_ASCII).equals("Xen\0")) {
                return true;
            }
            notes.position(notes.position() + (int) (aligned(nameSize) + aligned(descriptionSize)));
        }
        return false;
    }

    private static long aligned(int size) {
        return (size + 3L) & ~3L;
    }

    private static ByteBuffer read(FileChannel channel, long offset, int size) throws IOException {
        if (offset < 0 || offset > channel.size() - size) {
            throw new EOFException("the ELF file is cut off at " + channel.size() + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n >= 0 && buffer.hasRemaining(); ) {
            n = channel.read(buffer, offset + buffer.position());
        }
        return buffer.flip();
    }
}
