package org.barchan.client;

/** What runs a guest's instructions. */
public enum Accelerator {
    /** KVM where it has been proved to work, else TCG. */
    AUTO,
    /** The processor itself. */
    KVM,
    /** QEMU's emulation: slow, and no security boundary. */
    TCG
}
