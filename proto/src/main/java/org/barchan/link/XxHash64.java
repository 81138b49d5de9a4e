package org.barchan.link;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The hash XXH64 of xxHash, the one that ends a Zstandard frame (RFC 8878). It takes 8 bytes at a step, without tables: where the CPU is
 * emulated, an eighth of what a CRC costs.
 *
 * @see <a href="https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md">its specification</a>
 */
final class XxHash64 {
    private static final long P1 = 0x9E3779B185EBCA87L;
    private static final long P2 = 0xC2B2AE3D27D4EB4FL;
    private static final long P3 = 0x165667B19E3779F9L;
    private static final long P4 = 0x85EBCA77C2B2AE63L;
    private static final long P5 = 0x27D4EB2F165667C5L;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private XxHash64() {}

    /** Returns the hash of a part of a buffer, which is left as it was. */
    static long of(ByteBuffer buffer, int from, int length, long seed) {
        if (buffer.hasArray()) {
            return of(buffer.array(), buffer.arrayOffset() + from, length, seed);
        }
        byte[] copy = new byte[length];
        buffer.get(from, copy);
        return of(copy, 0, length, seed);
    }

    static long of(byte[] bytes, int from, int length, long seed) {
        int at = from;
        int end = from + length;
        long hash;
        if (length >= 32) {
            long a = seed + P1 + P2;
            long b = seed + P2;
            long c = seed;
            long d = seed - P1;
            // Without calls: an image compiled ahead of time would not inline them.
            for (; at <= end - 32; at += 32) {
                a = Long.rotateLeft(a + (long) LONGS.get(bytes, at) * P2, 31) * P1;
                b = Long.rotateLeft(b + (long) LONGS.get(bytes, at + 8) * P2, 31) * P1;
                c = Long.rotateLeft(c + (long) LONGS.get(bytes, at + 16) * P2, 31) * P1;
                d = Long.rotateLeft(d + (long) LONGS.get(bytes, at + 24) * P2, 31) * P1;
            }
            hash = Long.rotateLeft(a, 1) + Long.rotateLeft(b, 7) + Long.rotateLeft(c, 12) + Long.rotateLeft(d, 18);
            hash = merge(merge(merge(merge(hash, a), b), c), d);
        } else {
            hash = seed + P5;
        }
        hash += length;
        for (; at <= end - 8; at += 8) {
            hash = Long.rotateLeft(hash ^ round(0, (long) LONGS.get(bytes, at)), 27) * P1 + P4;
        }
        if (at <= end - 4) {
            hash = Long.rotateLeft(hash ^ Integer.toUnsignedLong((int) INTS.get(bytes, at)) * P1, 23) * P2 + P3;
            at += 4;
        }
        for (; at < end; at++) {
            hash = Long.rotateLeft(hash ^ Byte.toUnsignedLong(bytes[at]) * P5, 11) * P1;
        }
        return avalanche(hash);
    }

    private static long round(long lane, long input) {
        return Long.rotateLeft(lane + input * P2, 31) * P1;
    }

    private static long merge(long hash, long lane) {
        return (hash ^ round(0, lane)) * P1 + P4;
    }

    private static long avalanche(long hash) {
        long x = (hash ^ (hash >>> 33)) * P2;
        x = (x ^ (x >>> 29)) * P3;
        return x ^ (x >>> 32);
    }
}
