package org.barchan.client;

/** How strongly a sandbox is held apart from its host. */
public enum Isolation {
    /** Not known yet, or a kind that this client is too old for. */
    UNKNOWN,
    /** Not at all as far as a hostile guest goes. */
    NONE,
    /** By the processor's virtualization. */
    HARDWARE
}
