package org.barchan.host.sandbox;

/** The memory of a guest, in bytes. */
public record MemorySize(long bytes) {
    private static final long MIB = 1024 * 1024;

    /** The least that a guest boots with. */
    public static final MemorySize MINIMUM = ofMebibytes(128);

    /** What a guest gets when nobody says otherwise. */
    public static final MemorySize DEFAULT = ofMebibytes(512);

    public MemorySize {
        if (bytes < 128 * MIB || bytes > 64L * 1024 * 1024 * MIB) {
            throw new IllegalArgumentException("memory: " + bytes + " bytes (expected: 128 MiB to 64 TiB)");
        }
    }

    public static MemorySize ofMebibytes(long mebibytes) {
        return new MemorySize(Math.multiplyExact(mebibytes, MIB));
    }

    /** Returns the size in KiB, rounded up: libvirt's unit. */
    public long kibibytes() {
        return (bytes + 1023) / 1024;
    }
}
