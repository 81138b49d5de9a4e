package org.barchan.client;

/** A stream that a process writes. */
public enum StandardStream {
    /** Descriptor 1. */
    STDOUT,
    /** Descriptor 2. */
    STDERR
}
