package org.barchan.host.sandbox;

/** What can be written to something that a sandbox sees. */
public sealed interface Access {
    /** Nothing. */
    record ReadOnly() implements Access {}

    /** It is written where it comes from. */
    record ReadWrite() implements Access {}

    /**
     * It is written elsewhere, and gone with the sandbox.
     *
     * @param bytes the most that is written; 0: half of the guest's memory
     * @param scratch whether it is written to a temporary file of the host, else to the guest's memory
     */
    record Overlay(long bytes, boolean scratch) implements Access {
        /** What a temporary file holds at most if nothing else is said. */
        public static final long SCRATCH_BYTES = 10L << 30;

        /** A file system on it needs so much to hold anything. */
        private static final long LEAST_SCRATCH_BYTES = 1 << 20;

        /** @throws IllegalArgumentException when there is no such size */
        public Overlay {
            Mount.checkSize(bytes);
            if (scratch && bytes == 0) {
                bytes = SCRATCH_BYTES;
            }
            if (scratch && bytes < LEAST_SCRATCH_BYTES) {
                throw new IllegalArgumentException(
                        bytes + " bytes (expected: at least " + LEAST_SCRATCH_BYTES + " of a file of the host)");
            }
        }

        /** In the guest's memory. */
        public Overlay(long bytes) {
            this(bytes, false);
        }
    }
}
