package org.barchan.host.sandbox;

/** What runs a guest's instructions. */
public enum Accelerator {
    /** The processor itself. */
    KVM,
    /** QEMU's emulation: slow, and no security boundary. */
    TCG
}
