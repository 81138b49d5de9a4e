package org.barchan.host.sandbox;

/** What can be written to something that a sandbox sees. */
public sealed interface Access {
    /** Nothing. */
    record ReadOnly() implements Access {}

    /** It is written where it comes from. */
    record ReadWrite() implements Access {}

    /**
     * It is written to the guest's memory, and gone with the sandbox.
     *
     * @param bytes the most that is written; 0: half of the guest's memory
     */
    record Overlay(long bytes) implements Access {
        /** @throws IllegalArgumentException when there is no such size */
        public Overlay {
            Mount.checkSize(bytes);
        }
    }
}
