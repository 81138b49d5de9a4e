package org.barchan.client;

/** What happens when a process has written more than is kept. */
public enum LogPolicy {
    /** The oldest output is dropped; who reads later is told how much. */
    DROP_OLDEST,
    /** The process is held back until somebody has read the oldest output, which is dropped then. */
    BLOCK,
    /** More is kept, as much as there is room for on the disk. */
    SPILL
}
