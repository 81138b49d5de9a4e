package org.barchan.host.sandbox;

import java.util.List;
import java.util.Optional;

/** Something that a sandbox sees at a place of its own. */
public sealed interface Mount {
    /** What the sandbox makes there itself: nothing is mounted over it. */
    List<String> RESERVED = List.of("/proc", "/sys", "/dev");

    /** A file system in memory needs a few pages for itself. */
    long LEAST_BYTES = 64 << 10;

    long MOST_BYTES = 64L << 40;

    /** Returns where it is. */
    GuestPath target();

    /**
     * A directory or file of the host.
     *
     * @param source absolute
     * @param transport empty: what does best
     */
    record HostDirectory(GuestPath target, GuestPath source, Access access, Optional<Transport> transport)
            implements Mount {
        /** @throws IllegalArgumentException when nothing can be mounted there */
        public HostDirectory {
            checkTarget(target);
        }
    }

    /** The file system in an image. */
    record Image(GuestPath target, DiskImage image, Access access) implements Mount {
        /** @throws IllegalArgumentException when nothing can be mounted there */
        public Image {
            checkTarget(target);
        }
    }

    /**
     * A file system in the guest's memory.
     *
     * @param bytes the most that it holds; 0: half of the guest's memory
     * @param mode permission bits of its root
     */
    record Memory(GuestPath target, long bytes, int mode, boolean readOnly) implements Mount {
        private static final int ALL_BITS = 01777;

        /** @throws IllegalArgumentException when nothing can be mounted there, or size or mode are none */
        public Memory {
            checkTarget(target);
            checkSize(bytes);
            if (mode < 0 || mode > ALL_BITS) {
                throw new IllegalArgumentException(
                        "mode " + Integer.toOctalString(mode) + " (expected: 0 to 1777, octal)");
            }
        }
    }

    /**
     * What the sandbox has at another place.
     *
     * @param source the other place
     */
    record Bind(GuestPath target, GuestPath source, boolean readOnly) implements Mount {
        /** @throws IllegalArgumentException when nothing can be mounted there */
        public Bind {
            checkTarget(target);
        }
    }

    private static void checkTarget(GuestPath target) {
        if (target.raw().equals("/")) {
            throw new IllegalArgumentException("'/' (expected: a place below the root, which has a field of its own)");
        }
        for (String reserved : RESERVED) {
            if (target.isAtOrBelow(reserved)) {
                throw new IllegalArgumentException(
                        "'" + target + "' (expected: not below " + reserved + ", which each sandbox has of its own)");
            }
        }
    }

    /** @throws IllegalArgumentException unless it is 0 or a size that a file system in memory can have */
    static void checkSize(long bytes) {
        if (bytes != 0 && (bytes < LEAST_BYTES || bytes > MOST_BYTES)) {
            throw new IllegalArgumentException(bytes + " bytes (expected: " + LEAST_BYTES + " to " + MOST_BYTES + ")");
        }
    }
}
