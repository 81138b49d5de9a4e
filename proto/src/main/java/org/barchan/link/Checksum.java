package org.barchan.link;

/** Computes XXH64. Safe for use by many threads. */
@FunctionalInterface
public interface Checksum {
    /** In Java, for wherever there is nothing faster. */
    Checksum XXH64 = XxHash64::of;

    /** Returns the hash of some bytes. */
    long of(byte[] bytes, int from, int length, long seed);
}
