package org.barchan.client;

/** What can be written to something that a sandbox sees. */
public enum MountMode {
    /** Nothing. */
    READ_ONLY,
    /** What the user could write outside of the sandbox; it is written there. */
    READ_WRITE,
    /** Anything, in the guest's memory: the source stays as it is, and what was written is gone with the sandbox. */
    OVERLAY,
    /** As an overlay, but in a temporary file of the agent's host: for more than fits in memory. */
    SCRATCH;

    /** Whether what is written goes elsewhere, and is gone with the sandbox. */
    public boolean isOverlay() {
        return this == OVERLAY || this == SCRATCH;
    }
}
