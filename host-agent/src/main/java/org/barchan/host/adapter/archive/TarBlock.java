package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import org.barchan.host.sandbox.SandboxException;

/** A block of a tar archive that says something of a file. */
final class TarBlock {
    static final int SIZE = 512;

    /** Widths of numbers. */
    static final int SHORT = 8;

    static final int LONG = 12;

    static final int MODE = 100;
    static final int UID = 108;
    static final int GID = 116;
    static final int FILE_SIZE = 124;
    static final int TIME = 136;
    static final int REAL_SIZE = 483;
    private static final int CHECKSUM = 148;
    private static final int TYPE = 156;
    private static final int LINK = 157;
    private static final int NAME_SIZE = 100;
    private static final int MAGIC = 257;
    private static final int PREFIX = 345;
    private static final int PREFIX_SIZE = 155;

    private final byte[] bytes;

    /** @param bytes not copied */
    TarBlock(byte[] bytes) {
        this.bytes = bytes;
    }

    /** How many bytes there are up to the end of a block. */
    static int padding(long size) {
        return (int) ((SIZE - size % SIZE) % SIZE);
    }

    /** Whether it is one of those at the end of an archive. */
    boolean isEmpty() {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** Compares the sum of its bytes, which some programs have summed up as signed numbers. */
    void check() throws SandboxException {
        int unsigned = 0;
        int signed = 0;
        for (int i = 0; i < SIZE; i++) {
            byte b = i >= CHECKSUM && i < CHECKSUM + SHORT ? (byte) ' ' : bytes[i];
            unsigned += b & 0xff;
            signed += b;
        }
        long sum = number(CHECKSUM, SHORT);
        if (sum != unsigned && sum != signed) {
            throw TarReader.bad("it is no tar archive, or damaged (expected: one that is not compressed)");
        }
    }

    char type() {
        return (char) (bytes[TYPE] & 0xff);
    }

    /** Whether what is of no known kind may be followed by data: links and devices are not. */
    boolean mayHaveData() {
        return switch (type()) {
            case '1', '2', '3', '4', '5', '6', 'V' -> false;
            default -> true;
        };
    }

    ByteString name() {
        ByteString name = text(bytes, 0, NAME_SIZE);
        // GNU has other things there, and a space behind "ustar".
        boolean posix = ByteString.copyFrom(bytes, MAGIC, 6).equals(ByteString.copyFromUtf8("ustar\0"));
        ByteString prefix = posix ? text(bytes, PREFIX, PREFIX_SIZE) : ByteString.EMPTY;
        return prefix.isEmpty()
                ? name
                : prefix.concat(ByteString.copyFromUtf8("/")).concat(name);
    }

    ByteString linkName() {
        return text(bytes, LINK, NAME_SIZE);
    }

    /** Returns what is before NUL, or the end. */
    static ByteString text(byte[] bytes, int from, int size) {
        int end = from;
        int most = (int) Math.min(bytes.length, (long) from + size);
        while (end < most && bytes[end] != 0) {
            end++;
        }
        return ByteString.copyFrom(bytes, from, end - from);
    }

    /** Octal digits; or, where the first bit is set, bytes of a signed number. */
    long number(int from, int size) throws SandboxException {
        if (bytes[from] < 0) {
            long number = (bytes[from] & 0x40) == 0 ? 0 : -1;
            number = (number << 6) | (bytes[from] & 0x3f);
            for (int i = from + 1; i < from + size; i++) {
                if (number > Long.MAX_VALUE >> 8 || number < Long.MIN_VALUE >> 8) {
                    throw TarReader.bad("a number that is too large");
                }
                number = (number << 8) | (bytes[i] & 0xff);
            }
            return number;
        }
        String digits = text(bytes, from, size).toStringUtf8().strip();
        try {
            return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
        } catch (NumberFormatException e) {
            throw TarReader.bad("it is no tar archive, or damaged (expected: one that is not compressed)");
        }
    }

    /** Takes extents as GNU tar's old format has them; returns whether more follow in a block of their own. */
    boolean extents(int from, int count, SparseMap.Builder builder) throws SandboxException {
        int at = from;
        for (int i = 0; i < count && bytes[at] != 0; i++) {
            builder.add(number(at, LONG), number(at + LONG, LONG));
            at += 2 * LONG;
        }
        return bytes[from + count * 2 * LONG] != 0;
    }
}
